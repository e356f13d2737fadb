import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LlambertError } from '@llambert/domain';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { checkVocabularyFits, type EncoderTokenizer, loadTokenizer, readTokenizer, type TruncationOptions } from './tokenizer.ts';

type Pair = [first: number, second: number, maxTokens: number, ids: number[], types: number[], truncated: boolean];
type Answers = { ids: number[][]; pairs: Pair[] };

const fixtures = new URL('../../fixtures/tokenizers/', import.meta.url);
const fileOf = (name: string) => readFileSync(new URL(`${name}.json`, fixtures), 'utf8');
const kinds = ['bert-uncased', 'bert-cased', 'roberta', 'xlm-roberta'] as const;
const { texts, ...answers } = JSON.parse(fileOf('texts')) as { texts: string[] } & Record<(typeof kinds)[number], Answers>;
const tokenizers = Object.fromEntries(kinds.map((kind) => [kind, readTokenizer(fileOf(kind), kind)])) as Record<
  (typeof kinds)[number],
  EncoderTokenizer
>;
/** [start, separator, padding, unknown], as the fixtures' script puts them. */
const specialIds = { 'bert-uncased': [2, 3, 0, 1], 'bert-cased': [2, 3, 0, 1], roberta: [0, 2, 1, 3], 'xlm-roberta': [0, 2, 1, 3] };

const whole: TruncationOptions = { maxTokens: 2 ** 24, truncation: 'head' };

async function expectReference(tokenizer: EncoderTokenizer, { ids, pairs }: Answers): Promise<void> {
  const singles = await tokenizer.tokenize(
    texts.map((text) => ({ text })),
    whole,
  );
  expect(singles.map((own) => [...own.ids])).toEqual(ids);
  expect(singles.every((own) => !own.truncated && own.types.every((type) => type === 0))).toBe(true);
  for (const [first, second, maxTokens, pairIds, types, truncated] of pairs) {
    const [pair] = await tokenizer.tokenize([{ text: texts[first]!, textPair: texts[second]! }], { maxTokens, truncation: 'head' });
    expect({ ids: [...pair!.ids], types: [...pair!.types], truncated: pair!.truncated }).toEqual({ ids: pairIds, types, truncated });
  }
}

describe.each(kinds)('the %s tokenizer', (kind) => {
  const tokenizer = tokenizers[kind];
  const [start, separator, padding, unknown] = specialIds[kind] as [number, number, number, number];

  it('gives the ids of the reference, for texts and pairs', () => expectReference(tokenizer, answers[kind]));

  it('knows its padding and its size', () => {
    const { added_tokens: added } = JSON.parse(fileOf(kind)) as { added_tokens: { id: number }[] };
    expect(tokenizer.padTokenId).toBe(padding);
    expect(tokenizer.vocabularySize).toBe(1 + Math.max(...added.map(({ id }) => id)));
  });

  it('has no special token in what it reads of a text', async () => {
    const added = (JSON.parse(fileOf(kind)) as { added_tokens: { id: number; content: string; special: boolean }[] }).added_tokens;
    const specials = added.filter(({ special }) => special);
    const forbidden = new Set(specials.map(({ id }) => id).filter((id) => id !== unknown));
    const piece = fc.oneof(
      fc.constantFrom(...specials.flatMap(({ content }) => [content, content.toUpperCase(), content.toLowerCase(), fullWidth(content)])),
      fc.string({ unit: 'grapheme', maxLength: 5 }),
      fc.constantFrom(' ', '\n', '\u0000', '▁', '##'),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece), async (pieces) => {
        const [own] = await tokenizer.tokenize([{ text: pieces.join('') }], whole);
        expect([own!.ids[0], own!.ids.at(-1)]).toEqual([start, separator]);
        expect([...own!.ids.subarray(1, -1)].filter((id) => forbidden.has(id))).toEqual([]);
      }),
    );
  });

  it('does not obey a truncation, a padding or a dropout in the file', async () => {
    const file = JSON.parse(fileOf(kind)) as { model: Record<string, unknown> };
    const baked = {
      ...file,
      model: kind === 'roberta' ? { ...file.model, dropout: 0.9 } : file.model,
      truncation: { direction: 'Right', max_length: 8, strategy: 'LongestFirst', stride: 0 },
      padding: { strategy: { Fixed: 64 }, direction: 'Right', pad_to_multiple_of: null, pad_id: padding, pad_type_id: 0, pad_token: 'x' },
    };
    await expectReference(readTokenizer(JSON.stringify(baked), kind), answers[kind]);
  });
});

/** The compatible forms that NFKC turns back. */
function fullWidth(text: string): string {
  return text.replace(/[!-~]/g, (character) => String.fromCharCode(character.charCodeAt(0) + 0xfee0));
}

describe('a tokenizer', () => {
  const bert = tokenizers['bert-uncased'];

  it('keeps documents apart and in order, pairs among single texts', async () => {
    const documents = texts.flatMap((text, index) => [{ text }, { text, textPair: texts[texts.length - 1 - index]! }]);
    const together = await bert.tokenize(documents, { maxTokens: 20, truncation: 'head-and-tail' });
    const alone = await Promise.all(
      documents.map(async (document) => (await bert.tokenize([document], { maxTokens: 20, truncation: 'head-and-tail' }))[0]),
    );
    expect(together).toEqual(alone);
    expect(await bert.tokenize([], whole)).toEqual([]);
  });

  it('puts an empty second text as a pair', async () => {
    const [pair] = await tokenizers.roberta.tokenize([{ text: '', textPair: '' }], whole);
    expect([...pair!.ids]).toEqual([0, 2, 2, 2]);
  });

  it.each([
    [2, {}],
    [4, { textPair: 'film' }],
    [Number.NaN, {}],
    [8.5, {}],
  ])('refuses %s tokens for %o', async (maxTokens, second) => {
    await expect(bert.tokenize([{ text: 'film', ...second }], { maxTokens, truncation: 'head' })).rejects.toMatchObject({
      code: 'invalid_input',
    });
  });

  it('must fit the table of its encoder, which may have spare rows', () => {
    expect(() => checkVocabularyFits(bert, { vocabularySize: bert.vocabularySize }, 'm')).not.toThrow();
    expect(() => checkVocabularyFits(bert, { vocabularySize: bert.vocabularySize + 90 }, 'm')).not.toThrow();
    expect(() => checkVocabularyFits(bert, { vocabularySize: bert.vocabularySize - 1 }, 'm')).toThrow(
      expect.objectContaining({ code: 'invalid_input', message: expect.stringContaining('one checkpoint') }),
    );
  });
});

describe('a tokenizer file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'llambert-tokenizer-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('is found by its name or by its folder', async () => {
    await expect(loadTokenizer(folder)).rejects.toMatchObject({ code: 'not_found', message: expect.stringContaining('save_pretrained') });
    writeFileSync(join(folder, 'tokenizer.json'), fileOf('bert-cased'));
    for (const path of [folder, join(folder, 'tokenizer.json')])
      expect((await loadTokenizer(path)).vocabularySize).toBe(tokenizers['bert-cased'].vocabularySize);
    await expect(loadTokenizer(join(folder, 'other.json'))).rejects.toMatchObject({ code: 'not_found' });
  });

  type Json = { model: Record<string, unknown>; added_tokens: { content: string }[]; post_processor: Record<string, unknown> };
  const changed = (kind: string, change: (file: Json) => unknown) => {
    const file = JSON.parse(fileOf(kind)) as Json;
    return JSON.stringify(change(file) ?? file);
  };
  const without = (file: Json, name: string) => {
    file.added_tokens = file.added_tokens.filter(({ content }) => content !== name);
    if (Array.isArray(file.model['vocab']))
      file.model['vocab'] = file.model['vocab'].map((piece) => (piece[0] === name ? ['other', 0] : piece));
    else delete (file.model['vocab'] as Record<string, number>)[name];
  };

  it.each([
    ['half a file', () => fileOf('roberta').slice(0, 9000), 'corrupt_artifact', 'not valid JSON'],
    ['a list', () => '[]', 'corrupt_artifact', 'not a JSON object'],
    ['another JSON file', () => '{"hidden_size": 384}', 'corrupt_artifact', 'no "model"'],
    [
      'a kind of its own',
      () => changed('roberta', (file) => ({ ...file, model: { ...file.model, type: 'WordLevel' } })),
      'invalid_input',
      'WordPiece, BPE, Unigram',
    ],
    ['no post-processor', () => changed('roberta', (file) => ({ ...file, post_processor: null })), 'invalid_input', '[CLS] and [SEP]'],
    [
      'an empty template',
      () => changed('bert-cased', (file) => ({ ...file, post_processor: { ...file.post_processor, single: [] } })),
      'invalid_input',
      '[CLS] and [SEP]',
    ],
    ['no [CLS]', () => changed('bert-cased', (file) => without(file, '[CLS]')), 'corrupt_artifact', '[CLS]'],
    ['no [SEP]', () => changed('bert-uncased', (file) => without(file, '[SEP]')), 'corrupt_artifact', '[SEP]'],
    ['no <s>', () => changed('roberta', (file) => without(file, '<s>')), 'corrupt_artifact', '<s>'],
    ['no </s>', () => changed('xlm-roberta', (file) => without(file, '</s>')), 'corrupt_artifact', '</s>'],
    ['no [PAD]', () => changed('bert-cased', (file) => without(file, '[PAD]')), 'invalid_input', 'padding token'],
    ['no <pad>', () => changed('xlm-roberta', (file) => without(file, '<pad>')), 'invalid_input', 'padding token'],
    [
      'a prefix that its merges lack',
      () => changed('roberta', (file) => ({ ...file, model: { ...file.model, continuing_subword_prefix: 'prefix' } })),
      'corrupt_artifact',
      'contradict',
    ],
    ['no [UNK]', () => changed('bert-cased', (file) => without(file, '[UNK]')), 'corrupt_artifact', '[UNK]'],
    [
      'an id below 0',
      () => changed('roberta', (file) => ({ ...file, model: { ...file.model, vocab: { a: -1 } } })),
      'corrupt_artifact',
      'whole number',
    ],
    [
      'a normalizer that nobody knows',
      () => changed('roberta', (file) => ({ ...file, normalizer: { type: 'Mine' } })),
      'corrupt_artifact',
      'cannot use it',
    ],
  ])('that is or has %s is refused with what to do', (_name, file, code, message) => {
    expect(() => readTokenizer(file(), 'm/tokenizer.json')).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    );
    expect(() => readTokenizer(file(), 'm/tokenizer.json')).toThrow(/^m\/tokenizer\.json: .*(Download|Choose|Save|Add)/);
  });

  it('may be of the older forms of the format', async () => {
    const oldMerges = changed('roberta', (file) => {
      const { type: _, merges, ...model } = file.model;
      return { ...file, model: { ...model, merges: (merges as string[][]).map((merge) => merge.join(' ')) } };
    });
    await expectReference(readTokenizer(oldMerges, 'old'), answers.roberta);
    const oldBert = changed('bert-cased', (file) => ({
      ...file,
      post_processor: { type: 'BertProcessing', sep: ['[SEP]', 3], cls: ['[CLS]', 2] },
    }));
    await expectReference(readTokenizer(oldBert, 'old'), answers['bert-cased']);
  });

  it('may have its template in a sequence', async () => {
    const sequence = changed('roberta', (file) => ({
      ...file,
      post_processor: {
        type: 'Sequence',
        processors: [file.post_processor, { type: 'ByteLevel', add_prefix_space: true, trim_offsets: false, use_regex: true }],
      },
    }));
    await expectReference(readTokenizer(sequence, 'sequence'), answers.roberta);
  });

  it('may have merges that spell a special token: they are not done', async () => {
    const spelling = changed('roberta', ({ model, ...file }) => ({
      ...file,
      pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
      model: {
        ...model,
        vocab: { ...(model['vocab'] as object), '<s': 5000 },
        merges: [['<', 's'], ['<s', '>'], ...(model['merges'] as string[][])],
      },
    }));
    const [own] = await readTokenizer(spelling, 'spelling').tokenize([{ text: '<s>' }], whole);
    const { vocab } = (JSON.parse(spelling) as { model: { vocab: Record<string, number> } }).model;
    expect([...own!.ids]).toEqual([0, 5000, vocab['>'], 2]);
  });

  it('is as large as the ids that come of it, whatever ids it gives to added tokens', async () => {
    const misnumbered = changed('bert-cased', (file) => ({
      ...file,
      added_tokens: file.added_tokens.map((token) =>
        /^\[[A-Z]+\]$/.test(token.content) && token.content !== '[NEW]' ? token : { ...token, id: 7 },
      ),
      model: {
        ...file.model,
        vocab: Object.fromEntries(Object.entries(file.model['vocab'] as Record<string, number>).filter(([, id]) => id < 800)),
      },
    }));
    const tokenizer = readTokenizer(misnumbered, 'misnumbered');
    const [own] = await tokenizer.tokenize([{ text: '[NEW]' }], whole);
    expect(tokenizer.vocabularySize).toBeGreaterThan(own!.ids[1]!);
  });

  it('whose fault only a text shows is refused then', async () => {
    const noUnknown = changed('xlm-roberta', (file) => ({ ...file, model: { ...file.model, unk_id: null } }));
    const tokenizer = readTokenizer(noUnknown, 'm/tokenizer.json');
    await expect(tokenizer.tokenize([{ text: '\u{10ffff}' }], whole)).rejects.toMatchObject({
      code: 'corrupt_artifact',
      message: expect.stringMatching(/^m\/tokenizer\.json: .*Download/),
    });
  });

  it('with anything wrong in it is refused, never a crash', async () => {
    const junk = fc.oneof(fc.jsonValue({ maxDepth: 1 }), fc.constantFrom(null, -1, 2 ** 40, '', [], {}));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...kinds), fc.array(fc.nat(), { minLength: 1, maxLength: 7 }), junk, async (kind, path, value) => {
        const file = JSON.parse(fileOf(kind)) as Record<string, unknown>;
        let at: Record<string, unknown> = file;
        for (const [depth, step] of path.entries()) {
          const keys = Object.keys(at);
          const key = keys[step % keys.length]!;
          const next = at[key];
          if (depth === path.length - 1 || typeof next !== 'object' || next === null || Object.keys(next).length === 0) {
            at[key] = value;
            break;
          }
          at = next as Record<string, unknown>;
        }
        try {
          const tokenizer = readTokenizer(JSON.stringify(file), kind);
          await tokenizer.tokenize([{ text: 'the film <s> [SEP]' }], whole);
        } catch (error) {
          expect(error).toBeInstanceOf(LlambertError);
        }
      }),
      { numRuns: 300 },
    );
  });
});

/** Beside the repository, not in it: the same vocabulary twice, the second with a truncation and a padding of 128 in its file. */
const shared = new URL('../../../../../shared/', import.meta.url);
describe.each(['data/tokenizers/bert-base-uncased/tokenizer.json', 'models/all-MiniLM-L6-v2/tokenizer.json'])(
  'the real ../shared/%s',
  (path) => {
    const file = fileURLToPath(new URL(path, shared));
    const isThere = existsSync(file);
    if (!isThere) console.warn(`SKIPPED: the test with a real tokenizer needs ../shared/${path}`);

    it.skipIf(!isThere)('gives the ids of the reference', async () => {
      const tokenizer = await loadTokenizer(file);
      expect(tokenizer.vocabularySize).toBe(30_522);
      await expectReference(tokenizer, JSON.parse(fileOf('bert-base-uncased-ids')) as Answers);
    });
  },
);
