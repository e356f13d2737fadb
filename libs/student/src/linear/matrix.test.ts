import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FeatureExtractor, type FeatureSet, leastDocuments } from './features.ts';
import { columnScales, FeatureCounter, type FeatureCounts, multiply, type SparseRows, transposed, weighted } from './matrix.ts';

function countsOf(texts: readonly string[], features: FeatureSet = 'words'): FeatureCounts {
  const counter = new FeatureCounter(new FeatureExtractor(features));
  for (const text of texts) counter.add({ text });
  return counter.finish();
}

function rowOf({ starts, columns, values }: SparseRows, row: number): Map<number, number> {
  const entries = new Map<number, number>();
  for (let entry = starts[row]!; entry < starts[row + 1]!; entry++) entries.set(columns[entry]!, values[entry]!);
  return entries;
}

describe('FeatureCounter', () => {
  it('keeps words from one text on, pairs of words from two on', () => {
    const counts = countsOf(['red green blue', 'red green']);
    // red, green, red green; blue stands in one text, and so does green blue.
    expect(counts.width).toBe(4);
    expect([...rowOf(counts, 0).values()]).toEqual([1, 1, 1, 1]);
    expect(rowOf(counts, 1).size).toBe(3);
  });

  it('numbers the most frequent features first, whatever the order of the texts', () => {
    const texts = ['b a', 'a c a', 'a b', 'd'];
    expect(countsOf(texts).hashes).toEqual(countsOf(texts.toReversed()).hashes);
    const repeated = countsOf(['x y', 'y', 'y x', 'y']);
    expect(rowOf(repeated, 1).has(0)).toBe(true);
  });

  it('dampens repetitions: 1 + ln(count)', () => {
    expect([...rowOf(countsOf(['no no no']), 0).values()]).toEqual([Math.fround(1 + Math.log(3))]);
  });

  it('gives a text without features an empty row', () => {
    const counts = countsOf(['', 'word', '…']);
    expect([...counts.starts]).toEqual([0, 0, 1, 1]);
  });
});

describe('TF-IDF', () => {
  it("equals scikit-learn's with sublinear counts, on texts it was fitted to and on others", () => {
    const file = join(import.meta.dirname, '../../fixtures/tfidf.json');
    const known = JSON.parse(readFileSync(file, 'utf8')) as { texts: string[]; fitted: number; squares: number[][] };
    const counts = countsOf(known.texts);
    const fitted = Int32Array.from({ length: known.fitted }, (_, row) => row);
    const words = columnScales(counts, fitted).map((scale, column) =>
      leastDocuments(counts.hashes[column]!, known.fitted) === 1 ? scale : 0,
    );
    const all = Int32Array.from(known.texts.keys());
    const rows = weighted(counts, all, words);
    for (const row of all) {
      const squares = [...rowOf(rows, row).values()].map((value) => value ** 2).sort((left, right) => left - right);
      expect(squares.length).toBe(known.squares[row]!.length);
      for (const [index, square] of squares.entries()) expect(square).toBeCloseTo(known.squares[row]![index]!, 6);
    }
  });

  it('counts the n-grams inside words half', () => {
    const counts = countsOf(['ab', 'ab'], 'words+chars');
    // The word; " ab", "ab " and " ab " of it.
    expect([...columnScales(counts, Int32Array.of(0, 1))].sort()).toEqual([0.5, 0.5, 0.5, 1]);
  });

  it('leaves out what stands in too few of the given rows', () => {
    const counts = countsOf(['a b', 'a b', 'c']);
    expect(columnScales(counts, Int32Array.of(0, 2)).filter((scale) => scale > 0).length).toBe(3);
    const rows = weighted(counts, Int32Array.of(2, 1), columnScales(counts, Int32Array.of(0, 1)));
    expect([...rows.starts]).toEqual([0, 0, 3]);
  });
});

describe('products', () => {
  it('equal those of dense matrices', () => {
    const cell = fc.tuple(fc.nat(4), fc.integer({ min: -4, max: 4 }));
    fc.assert(
      fc.property(
        fc.array(fc.uniqueArray(cell, { selector: ([column]) => column }), { maxLength: 5 }),
        fc.integer({ min: 1, max: 9 }),
        (cells, outputs) => {
          const rows: SparseRows = {
            starts: Int32Array.from([0, ...cells.map((_, row) => cells.slice(0, row + 1).flat().length)]),
            columns: Int32Array.from(cells.flat(), ([column]) => column),
            values: Float32Array.from(cells.flat(), ([, value]) => value),
            width: 5,
          };
          const dense = (row: number, column: number) => cells[row]!.find(([own]) => own === column)?.[1] ?? 0;
          const sum = (count: number, term: (index: number) => number) =>
            Array.from({ length: count }, (_, index) => term(index)).reduce((a, b) => a + b, 0);
          const weights = Float64Array.from({ length: 5 * outputs }, (_, index) => index - 3);
          const product = new Float64Array(cells.length * outputs);
          multiply(rows, weights, outputs, product);
          for (const [index, value] of product.entries()) {
            expect(value).toBe(
              sum(5, (column) => dense(Math.floor(index / outputs), column) * weights[column * outputs + (index % outputs)]!),
            );
          }
          const back = new Float64Array(5 * outputs).fill(9);
          multiply(transposed(rows), product, outputs, back);
          for (const [index, value] of back.entries()) {
            expect(value).toBe(
              sum(cells.length, (row) => dense(row, Math.floor(index / outputs)) * product[row * outputs + (index % outputs)]!) + 0,
            );
          }
        },
      ),
    );
  });
});
