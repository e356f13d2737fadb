import type { Document, PoolEntry } from '@llambert/domain';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chiSquared } from './chi-squared.fixture.ts';
import { poolCandidates, poolRank, shareInPool } from './pool.ts';

const document = (id: string): Document => ({ id, text: `text of ${id}`, metadata: {} });

/** The pool as the store keeps it, in memory. */
function keep(size: number, batches: readonly (readonly string[])[], seed = 7): PoolEntry[] {
  let pool: PoolEntry[] = [];
  for (const batch of batches) {
    const ceiling = pool.length < size ? null : pool.at(-1)!.rank;
    pool = merge(size, pool, poolCandidates('task', seed, batch.map(document), ceiling));
  }
  return pool;
}

function merge(size: number, ...pools: readonly (readonly PoolEntry[])[]): PoolEntry[] {
  const byId = new Map(pools.flat().map((entry) => [entry.document.id, entry]));
  return [...byId.values()].sort((left, right) => (left.rank < right.rank ? -1 : 1)).slice(0, size);
}

const idLists = fc.array(fc.nat(60).map(String), { minLength: 1, maxLength: 80 });
const sizes = fc.integer({ min: 1, max: 20 });

describe('the pool', () => {
  it('holds the documents of the smallest ranks', () => {
    const ids = Array.from({ length: 50 }, (_, index) => String(index));
    const byRank = ids.toSorted((left, right) => (poolRank('task', 7, left) < poolRank('task', 7, right) ? -1 : 1));
    expect(keep(8, [ids]).map((entry) => entry.document.id)).toEqual(byRank.slice(0, 8));
  });

  it('depends neither on order, nor on batches, nor on documents seen again', () => {
    fc.assert(
      fc.property(idLists, sizes, (ids, size) => {
        const expected = keep(size, [[...new Set(ids)]]);
        const oneByOne = ids.map((id) => [id]);
        expect(keep(size, oneByOne)).toEqual(expected);
        expect(keep(size, [ids.toReversed(), ids])).toEqual(expected);
      }),
    );
  });

  it('is for two partitions what their pools are together', () => {
    fc.assert(
      fc.property(idLists, idLists, sizes, (one, two, size) => {
        expect(merge(size, keep(size, [one]), keep(size, [two]))).toEqual(keep(size, [one, two]));
      }),
    );
  });

  it('keeps the first of two documents with one id', () => {
    const [entry] = poolCandidates('task', 7, [document('a'), { ...document('a'), text: 'another text' }], null);
    expect(entry!.document.text).toBe('text of a');
  });

  it('has other documents for another task or another seed', () => {
    const ranks = [poolRank('task', 1, 'a'), poolRank('task', 2, 'a'), poolRank('other', 1, 'a'), poolRank('task', 1, 'b')];
    expect(new Set(ranks).size).toBe(ranks.length);
  });

  it('takes each document with the same probability', () => {
    const ids = Array.from({ length: 50 }, (_, index) => String(index));
    const counts = new Map(ids.map((id) => [id, 0]));
    const [pools, size] = [1000, 10];
    for (let seed = 0; seed < pools; seed++)
      for (const entry of keep(size, [ids], seed)) counts.set(entry.document.id, counts.get(entry.document.id)! + 1);
    // Draws without replacement vary less than chi-squared's, by the share that is not drawn; 49 degrees of freedom.
    const expected = (pools * size) / ids.length;
    expect(chiSquared([...counts.values()], expected) / (1 - size / ids.length)).toBeLessThan(85.4);
  });
});

describe('shareInPool', () => {
  const pooled = (documents: number, size: number, seed: number) =>
    keep(size, [Array.from({ length: documents }, (_, index) => String(index))], seed);

  it('is 1 while the pool has room: then every document is in it', () => {
    expect(shareInPool(pooled(10, 20, 1), 20)).toBe(1);
    expect(shareInPool([], 20)).toBe(1);
  });

  it('is the pool over the distinct documents, without having counted them', () => {
    const shares = Array.from({ length: 20 }, (_, seed) => shareInPool(pooled(2000, 400, seed), 400));
    // One pool's standard error is 1 / sqrt(398), that is 5 % (less for so large a share); the mean of 20 has a quarter of it.
    for (const share of shares) expect(Math.abs(share / 0.2 - 1)).toBeLessThan(0.2);
    expect(Math.abs(shares.reduce((sum, share) => sum + share, 0) / 20 / 0.2 - 1)).toBeLessThan(0.045);
  });

  it('is not changed by a replay', () => {
    const ids = Array.from({ length: 100 }, (_, index) => String(index));
    expect(shareInPool(keep(10, [ids, ids, ids]), 10)).toBe(shareInPool(keep(10, [ids]), 10));
  });
});
