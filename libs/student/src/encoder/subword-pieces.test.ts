import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { subwordPieces } from './subword-pieces.ts';

/** By its definition: counts every pair anew for each merge. Pairs of equal count go by the ids of their pieces. */
function slowly(words: ReadonlyMap<string, number>, alphabet: string[], size: number): string[] {
  const pieces = [...alphabet];
  const segmented = [...words].map(([word, count]) => ({ symbols: [...word].map((own, at) => (at === 0 ? own : `##${own}`)), count }));
  while (pieces.length < size) {
    const counts = new Map<string, number>();
    for (const { symbols, count } of segmented) {
      for (let at = 1; at < symbols.length; at++) {
        const pair = `${symbols[at - 1]} ${symbols[at]}`;
        counts.set(pair, (counts.get(pair) ?? 0) + count);
      }
    }
    const order = (pair: string) => pair.split(' ').map((piece) => pieces.indexOf(piece)) as [number, number];
    const [best] = [...counts].sort(([a, n], [b, m]) => m - n || order(a)[0] - order(b)[0] || order(a)[1] - order(b)[1]);
    if (!best || best[1] < 2) break;
    const [left, right] = best[0].split(' ') as [string, string];
    const merged = left + right.slice(2);
    if (!pieces.includes(merged)) pieces.push(merged);
    for (const word of segmented) {
      const symbols: string[] = [];
      for (let at = 0; at < word.symbols.length; at++) {
        if (word.symbols[at] === left && word.symbols[at + 1] === right) {
          symbols.push(merged);
          at++;
        } else symbols.push(word.symbols[at]!);
      }
      word.symbols = symbols;
    }
  }
  return pieces;
}

describe('the pieces of words', () => {
  it('are those of the example in Sennrich et al. 2016', () => {
    const words = new Map([
      ['low', 5],
      ['lower', 2],
      ['newest', 6],
      ['widest', 3],
    ]);
    const pieces = subwordPieces(words, 60);
    const letters = pieces.filter((piece) => [...piece.replace('##', '')].length === 1);
    expect(new Set(letters.map((piece) => piece.replace('##', '')))).toEqual(new Set('lowernstid'));
    // es (9), est (9), lo (7), low (7), then the words that occur more than once, letter by letter
    expect(pieces.slice(letters.length, letters.length + 4).sort()).toEqual(['##es', '##est', 'lo', 'low']);
    expect(pieces).toEqual(expect.arrayContaining(['newest', 'widest', 'lower']));
  });

  it('are those of counting anew for every merge, and never more than asked for', () => {
    const words = fc
      .array(
        fc.tuple(fc.string({ unit: fc.constantFrom('a', 'b', 'c', '漢'), minLength: 1, maxLength: 9 }), fc.integer({ min: 1, max: 20 })),
        {
          minLength: 1,
          maxLength: 20,
        },
      )
      .map((entries) => new Map(entries));
    fc.assert(
      fc.property(words, fc.nat(60), (counts, size) => {
        const pieces = subwordPieces(counts, size);
        expect(pieces.length).toBeLessThanOrEqual(size);
        expect(new Set(pieces).size).toBe(pieces.length);
        const alphabet = pieces.filter((piece) => [...piece.replace('##', '')].length === 1);
        const isWhole =
          new Set([...counts.keys()].flatMap((word) => [...word])).size === alphabet.filter((piece) => !piece.startsWith('##')).length;
        if (isWhole && pieces.length < size) expect(pieces).toEqual(slowly(counts, alphabet, size));
        expect(subwordPieces(new Map([...counts].reverse()), size)).toEqual(pieces);
      }),
    );
  });

  it('leave out the rarest characters and words that have them', () => {
    const pieces = subwordPieces(
      new Map([
        ['film', 50_000],
        ['þorn', 1],
      ]),
      100,
    );
    expect(pieces).toContain('film');
    expect(pieces.join('')).not.toMatch(/[þorn]/);
  });

  it('refuse a size that ids cannot have', () => {
    for (const size of [-1, 2 ** 16, 7.5]) expect(() => subwordPieces(new Map([['film', 2]]), size)).toThrow(RangeError);
  });
});
