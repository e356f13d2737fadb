import { Tokenizer } from 'tokenizers';
import { describe, expect, it } from 'vitest';
import { scratchTokenizerJson } from './scratch-vocabulary.ts';
import { encodeEnds } from './text-tokens.ts';

const tokenizer = Tokenizer.fromString(scratchTokenizerJson(['the film is a good film']));

/** The same tokenizer, and the characters of each call to it. */
function counted() {
  const calls: number[] = [];
  const encodeBatch: Tokenizer['encodeBatch'] = (texts, options) => {
    calls.push((texts as string[]).reduce((sum, text) => sum + text.length, 0));
    return tokenizer.encodeBatch(texts, options);
  };
  return { calls, encoder: { encodeBatch } };
}

describe('tokenizing the ends of texts', () => {
  it('does not read a megabyte for some hundred tokens', async () => {
    const { calls, encoder } = counted();
    const text = 'the film is good '.repeat(60_000);
    const [cut] = await encodeEnds(encoder, [{ text, head: 128, tail: 128 }], 100);
    expect(calls).toHaveLength(1);
    expect(calls[0]).toBeLessThan(6000);
    expect(cut).toMatchObject({ truncated: true });
    expect(cut!.ids).toHaveLength(256);
    expect(cut!.total).toBeGreaterThan(200_000);
  });

  it('reads more of a text that has few tokens for its characters, and of no other', async () => {
    const { calls, encoder } = counted();
    const sparse = `${'the'.padEnd(60)}`.repeat(2000);
    await encodeEnds(
      encoder,
      [sparse, 'film'].map((text) => ({ text, head: 128, tail: 0 })),
      100,
    );
    expect(calls.length).toBeGreaterThan(1);
    expect(calls.at(-1)).toBeLessThan(sparse.length / 2);
  });

  it('goes to the native package in bounded batches', async () => {
    const { calls, encoder } = counted();
    const texts = Array.from({ length: 600 }, (_, index) => 'film '.repeat(index % 7 === 0 ? 4000 : 3));
    const cut = await encodeEnds(
      encoder,
      texts.map((text) => ({ text, head: 5000, tail: 0 })),
      100,
    );
    expect(cut.map(({ total }) => total)).toEqual(texts.map((text) => text.length / 5));
    expect(calls.length).toBeGreaterThan(3);
    expect(Math.max(...calls)).toBeLessThan(2 ** 18 + 20_001);
  });
});
