import type { PoolEntry, Sample, SamplingSettings } from '@llambert/domain';
import { aTask } from '@llambert/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chiSquared } from './chi-squared.fixture.ts';
import { allocate, drawSamples } from './draw.ts';
import { poolRank } from './pool.ts';

const settings: SamplingSettings = { ...aTask().settings.sampling, strategy: 'representative' };

function poolOf(texts: readonly string[], channel: (index: number) => string = () => 'mail', seed = 1): PoolEntry[] {
  return texts
    .map((text, index) => ({
      rank: poolRank('task', seed, `d${index}`),
      document: { id: `d${index}`, text, metadata: { channel: channel(index) } },
    }))
    .sort((left, right) => (left.rank < right.rank ? -1 : 1));
}

const repeated = (count: number, text = 'text') => Array.from({ length: count }, () => text);
const request = { task: 'task', round: 1, drawn: new Set<string>(), settings };
const idsOf = (samples: readonly Sample[]) => samples.map((sample) => sample.document.id);
const channelsOf = (samples: readonly Sample[]) => samples.map((sample) => sample.document.metadata['channel']);

describe('drawSamples', () => {
  it('gives every stratum its share, the scripts and lengths of the pool', () => {
    const english = Array.from({ length: 80 }, (_, index) => 'word '.repeat(1 + (index % 40)));
    const japanese = Array.from({ length: 20 }, (_, index) => '商品が届きません。'.repeat(1 + (index % 10)));
    const samples = drawSamples({ ...request, pool: poolOf([...english, ...japanese]), size: 20 });
    expect(samples).toHaveLength(20);
    expect(samples.filter((sample) => sample.reason.includes('Japanese'))).toHaveLength(4);
    expect(samples.every((sample) => sample.strategy === 'stratified')).toBe(true);
  });

  it('stratifies by a metadata field where the task says so', () => {
    const pool = poolOf(repeated(100), (index) => (index < 10 ? 'phone' : 'mail'));
    const samples = drawSamples({ ...request, pool, size: 30, settings: { ...settings, stratifyBy: 'channel' } });
    expect(channelsOf(samples).filter((channel) => channel === 'phone')).toHaveLength(3);
    expect(samples[0]!.reason).toMatch(/^stratum channel=/);
  });

  it('takes the smallest ranks where the draw is uniform, going on in the next round where it stopped', () => {
    const pool = poolOf(repeated(30));
    const uniform = { ...settings, strategy: 'uniform' as const };
    const first = drawSamples({ ...request, pool, size: 10, settings: uniform });
    const second = drawSamples({ ...request, round: 2, pool, size: 5, drawn: new Set(idsOf(first)), settings: uniform });
    expect(idsOf([...first, ...second])).toEqual(pool.slice(0, 15).map((entry) => entry.document.id));
  });

  describe('inclusion probability', () => {
    it.each(['uniform', 'representative'] as const)('is the share of the documents that were left (%s)', (strategy) => {
      const pool = poolOf(repeated(50), (index) => String(index % 7));
      const changed: SamplingSettings = { ...settings, strategy, stratifyBy: 'channel' };
      const first = drawSamples({ ...request, pool, size: 10, settings: changed });
      for (const sample of first) expect(sample.inclusionProbability).toBeCloseTo(10 / 50, 12);
      const second = drawSamples({ ...request, round: 2, pool, size: 10, drawn: new Set(idsOf(first)), settings: changed });
      for (const sample of second) expect(sample.inclusionProbability).toBeCloseTo(10 / 40, 12);
    });

    it('takes into account that not every document reached the pool', () => {
      const pool = poolOf(repeated(4000)).slice(0, 1000);
      for (const sample of drawSamples({ ...request, pool, size: 100 })) {
        expect(Math.abs(sample.inclusionProbability! / (100 / 4000) - 1)).toBeLessThan(0.1);
      }
    });

    it('is 1, and no more, where all that is left is drawn', () => {
      for (const sample of drawSamples({ ...request, pool: poolOf(repeated(5)), size: 9 })) expect(sample.inclusionProbability).toBe(1);
    });

    it('is what happens: over many seeds each document is drawn as often as any other, whatever the sizes of the strata', () => {
      // Strata of 1, 2, 3, … documents, most of them smaller than the step of the draw.
      const channels = Array.from({ length: 9 }, (_, stratum) => repeated(stratum + 1, String(stratum))).flat();
      const counts = channels.map(() => 0);
      const [draws, size] = [2000, 9];
      for (let seed = 0; seed < draws; seed++) {
        const pool = poolOf(repeated(channels.length), (index) => channels[index]!, seed);
        const samples = drawSamples({ ...request, pool, size, settings: { ...settings, seed, stratifyBy: 'channel' } });
        for (const id of idsOf(samples)) counts[Number(id.slice(1))]! += 1;
      }
      // The 99.9 % point of chi-squared with 44 degrees of freedom; a draw without replacement varies less.
      expect(chiSquared(counts, (draws * size) / channels.length)).toBeLessThan(78.75);
    });
  });

  it('never draws a document twice, draws as many as there are, and draws the same again', () => {
    const texts = fc.array(fc.constantFrom('a', 'some words', '日本語のテキスト', 'ещё текст'), { minLength: 1, maxLength: 60 });
    const strategies = fc.constantFrom<SamplingSettings['strategy']>('uniform', 'stratified', 'representative');
    fc.assert(
      fc.property(texts, fc.nat(80), fc.nat(80), strategies, (all, first, second, strategy) => {
        const pool = poolOf(all);
        const draw = { ...request, pool, settings: { ...settings, strategy } };
        const one = drawSamples({ ...draw, size: first });
        const two = drawSamples({ ...draw, round: 2, drawn: new Set(idsOf(one)), size: second });
        expect(one).toHaveLength(Math.min(first, all.length));
        expect(two).toHaveLength(Math.min(second, all.length - one.length));
        expect(new Set([...one, ...two].map((sample) => sample.id)).size).toBe(one.length + two.length);
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
