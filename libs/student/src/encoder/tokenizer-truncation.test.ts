import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readTokenizer, type TruncationOptions } from './tokenizer.ts';

const tokenizerOf = (name: string) =>
  readTokenizer(readFileSync(new URL(`../../fixtures/tokenizers/${name}.json`, import.meta.url), 'utf8'), name);
const whole: TruncationOptions = { maxTokens: 2 ** 24, truncation: 'head' };

describe.each([
  ['bert-uncased', 2, 3],
  ['bert-cased', 2, 3],
  ['roberta', 0, 2],
  ['xlm-roberta', 0, 2],
])('what the %s tokenizer keeps', (kind, start, separator) => {
  const tokenizer = tokenizerOf(kind);

  it('is the first tokens, or first and last, and it says exactly whether some were left out', async () => {
    const word = fc.oneof(fc.constantFrom('film', 'the', 'recommend', '漢字', 'ไม่'), fc.string({ unit: 'grapheme', maxLength: 8 }));
    const longText = fc
      .array(fc.tuple(word, fc.nat(40)), { maxLength: 60 })
      .map((runs) => runs.map(([own, times]) => `${own} `.repeat(times)).join(''));
    await fc.assert(
      fc.asyncProperty(longText, fc.integer({ min: 3, max: 80 }), async (text, maxTokens) => {
        const [all] = await tokenizer.tokenize([{ text }], whole);
        const full = all!.ids.subarray(1, -1);
        const room = maxTokens - 2;
        const head = Math.min(room, Math.floor(maxTokens / 4));
        const bothEnds = [...full.subarray(0, head), ...full.subarray(full.length - (room - head))];
        for (const [truncation, kept] of [
          ['head', [...full.subarray(0, room)]],
          ['head-and-tail', bothEnds],
        ] as const) {
          const [own] = await tokenizer.tokenize([{ text }], { maxTokens, truncation });
          const truncated = full.length > room;
          expect([...own!.ids]).toEqual([start, ...(truncated ? kept : full), separator]);
          expect(own!.truncated).toBe(truncated);
        }
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    ['words', 'the film, not recommended! '.repeat(8000)],
    ['white space around a word', `${' '.repeat(100_000)}film${'\n'.repeat(100_000)}`],
    ['a letter', 'x'.repeat(2 ** 17)],
    ['ideographs', '漢字好电影不是我们的人'.repeat(10_000)],
    ['emoji', '👍🏽'.repeat(30_000)],
  ])('of a long text of %s is what it would keep of the whole', async (_name, text) => {
    const [all] = await tokenizer.tokenize([{ text }], whole);
    const truncated = all!.ids.length > 64;
    for (const [truncation, head] of [
      ['head', 62],
      ['head-and-tail', 16],
    ] as const) {
      const kept = [...all!.ids.subarray(0, 1 + head), ...all!.ids.subarray(all!.ids.length - (63 - head))];
      const [own] = await tokenizer.tokenize([{ text }], { maxTokens: 64, truncation });
      expect([...own!.ids]).toEqual(truncated ? kept : [...all!.ids]);
      expect(own!.truncated).toBe(truncated);
    }
  });
});

describe('what the BERT tokenizer keeps of a pair', () => {
  const tokenizer = tokenizerOf('bert-uncased');

  it('is the shorter text of a pair, and as much of the longer as there is room for', async () => {
    const [first] = await tokenizer.tokenize([{ text: 'not the film' }], whole);
    const maxTokens = 3 * first!.ids.length;
    const documents = [{ text: 'not the film', textPair: 'the film '.repeat(50_000) }];
    const [pair] = await tokenizer.tokenize(documents, { maxTokens, truncation: 'head' });
    expect([...pair!.ids.subarray(0, first!.ids.length)]).toEqual([...first!.ids]);
    expect({ length: pair!.ids.length, last: pair!.ids.at(-1), truncated: pair!.truncated }).toEqual({
      length: maxTokens,
      last: 3,
      truncated: true,
    });
    expect([...pair!.types]).toEqual(Array.from(pair!.ids, (_, at) => (at < first!.ids.length ? 0 : 1)));
  });
});
