import type { PoolRank } from '@llambert/domain';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chiSquared } from './chi-squared.fixture.ts';
import { allocate, type Draw, drawSamples } from './draw.ts';
import { poolRank } from './pool.ts';

/** A pool of documents in the given strata, by rank. */
function poolOf(strata: readonly string[], seed = 1): { pool: PoolRank[]; strata: Map<string, string> } {
  const pool = strata.map((_, index) => ({ rank: poolRank('task', seed, `d${index}`), documentId: `d${index}` }));
  return {
    pool: pool.sort((left, right) => (left.rank < right.rank ? -1 : 1)),
    strata: new Map(strata.map((stratum, index) => [`d${index}`, stratum])),
  };
}

const repeated = (count: number, stratum = 'mail') => Array.from({ length: count }, () => stratum);
const settings = { seed: 1, poolSize: 1000 };
const request = { task: 'task', round: 1, drawn: new Set<string>(), settings };
const idsOf = (draws: readonly Draw[]) => draws.map((draw) => draw.documentId);

describe('drawSamples', () => {
  it('gives every stratum its share', () => {
    const draws = drawSamples({ ...request, ...poolOf([...repeated(10, 'phone'), ...repeated(90)]), size: 30 });
    expect(draws.filter(({ reason }) => reason === 'stratum phone')).toHaveLength(3);
    expect(draws.filter(({ reason }) => reason === 'stratum mail')).toHaveLength(27);
    expect(draws.every(({ strategy }) => strategy === 'stratified')).toBe(true);
  });

  it('takes the smallest ranks where the draw is uniform, going on in the next round where it stopped', () => {
    const { pool } = poolOf(repeated(30));
    const uniform = { ...request, pool, strata: null };
    const first = drawSamples({ ...uniform, size: 10 });
    const second = drawSamples({ ...uniform, round: 2, size: 5, drawn: new Set(idsOf(first)) });
    expect(idsOf([...first, ...second])).toEqual(pool.slice(0, 15).map((entry) => entry.documentId));
    expect(first[0]).toMatchObject({ strategy: 'uniform', reason: 'uniform draw' });
  });

  describe('inclusion probability', () => {
    it.each(['uniform', 'stratified'])('is the share of the documents that were left (%s)', (strategy) => {
      const { pool, strata } = poolOf(Array.from({ length: 50 }, (_, index) => String(index % 7)));
      const draw = { ...request, pool, strata: strategy === 'uniform' ? null : strata, size: 10 };
      const first = drawSamples(draw);
      for (const { inclusionProbability } of first) expect(inclusionProbability).toBeCloseTo(10 / 50, 12);
      const second = drawSamples({ ...draw, round: 2, drawn: new Set(idsOf(first)) });
      for (const { inclusionProbability } of second) expect(inclusionProbability).toBeCloseTo(10 / 40, 12);
    });

    it('takes into account that not every document reached the pool', () => {
      const { pool, strata } = poolOf(repeated(4000));
      for (const { inclusionProbability } of drawSamples({ ...request, pool: pool.slice(0, 1000), strata, size: 100 })) {
        expect(Math.abs(inclusionProbability! / (100 / 4000) - 1)).toBeLessThan(0.1);
      }
    });

    it('is 1, and no more, where all that is left is drawn', () => {
      for (const draw of drawSamples({ ...request, ...poolOf(repeated(5)), size: 9 })) expect(draw.inclusionProbability).toBe(1);
    });

    it('is what happens: over many seeds each document is drawn as often as any other, whatever the sizes of the strata', () => {
      // Strata of 1, 2, 3, … documents, most of them smaller than the step of the draw.
      const strata = Array.from({ length: 9 }, (_, stratum) => repeated(stratum + 1, String(stratum))).flat();
      const counts = strata.map(() => 0);
      const [draws, size] = [2000, 9];
      for (let seed = 0; seed < draws; seed++) {
        const drawn = drawSamples({ ...request, ...poolOf(strata, seed), size, settings: { ...settings, seed } });
        for (const id of idsOf(drawn)) counts[Number(id.slice(1))]! += 1;
      }
      // The 99.9 % point of chi-squared with 44 degrees of freedom; a draw without replacement varies less.
      expect(chiSquared(counts, (draws * size) / strata.length)).toBeLessThan(78.75);
    });
  });

  it('never draws a document twice, draws as many as there are, and draws the same again', () => {
    const lists = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(lists, fc.nat(80), fc.nat(80), fc.boolean(), (all, first, second, uniform) => {
        const { pool, strata } = poolOf(all);
        const draw = { ...request, pool, strata: uniform ? null : strata };
        const one = drawSamples({ ...draw, size: first });
        const two = drawSamples({ ...draw, round: 2, drawn: new Set(idsOf(one)), size: second });
        expect(one).toHaveLength(Math.min(first, all.length));
        expect(two).toHaveLength(Math.min(second, all.length - one.length));
        expect(new Set(idsOf([...one, ...two])).size).toBe(one.length + two.length);
        expect(drawSamples({ ...draw, size: first })).toEqual(one);
      }),
    );
  });
});

describe('allocate', () => {
  const strata = fc.array(fc.integer({ min: 1, max: 10_000 }), { minLength: 1, maxLength: 50 });
  const shares = fc.double({ min: 0, max: 1, noNaN: true });
  const starts = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

  it('adds up to the size, and starves or overdraws no stratum by one whole document', () => {
    fc.assert(
      fc.property(strata, shares, starts, (sizes, share, start) => {
        const total = sizes.reduce((sum, members) => sum + members, 0);
        const size = Math.floor(share * total);
        const allocated = allocate(sizes, size, start);
        expect(allocated.reduce((sum, count) => sum + count, 0)).toBe(size);
        for (const [index, count] of allocated.entries()) {
          expect(Math.abs(count - (size * sizes[index]!) / total)).toBeLessThan(1);
          expect(count).toBeLessThanOrEqual(sizes[index]!);
        }
      }),
    );
  });

  it('gives exact shares where they are whole', () => {
    for (const start of [0, 0.3, 0.999]) expect(allocate([50, 30, 20], 10, start)).toEqual([5, 3, 2]);
  });

  it('gives each stratum its exact share on average over all starts', () => {
    const sizes = [1, 2, 3, 5, 8];
    const total = 19;
    const starts = Array.from({ length: total }, (_, index) => index / total + 1e-9);
    for (let size = 0; size <= total; size++) {
      const sums = sizes.map((_, index) => starts.reduce((sum, start) => sum + allocate(sizes, size, start)[index]!, 0));
      expect(sums).toEqual(sizes.map((members) => members * size));
    }
  });
});
