import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import fixtures from '../fixtures/clopper-pearson.json' with { type: 'json' };
import { clopperPearson } from './intervals.ts';

const counts = fc.integer({ min: 1, max: 300 }).chain((trials) => fc.tuple(fc.integer({ min: 0, max: trials }), fc.constant(trials)));

describe('clopperPearson', () => {
  it.each(fixtures)(
    "gives scipy's interval for $successes of $trials at $confidence",
    ({ successes, trials, confidence, lower, upper }) => {
      const interval = clopperPearson(successes, trials, confidence);
      expect(Math.abs(interval.lower - lower)).toBeLessThanOrEqual(1e-9 * lower);
      expect(Math.abs(interval.upper - upper)).toBeLessThanOrEqual(1e-9 * upper);
    },
  );

  it('holds the observed share, and mirrors where successes and failures change places', () => {
    fc.assert(
      fc.property(counts, ([successes, trials]) => {
        const { lower, upper } = clopperPearson(successes, trials, 0.95);
        expect(lower).toBeLessThanOrEqual(successes / trials);
        expect(upper).toBeGreaterThanOrEqual(successes / trials);
        const mirrored = clopperPearson(trials - successes, trials, 0.95);
        expect(mirrored.lower).toBeCloseTo(1 - upper, 12);
        expect(mirrored.upper).toBeCloseTo(1 - lower, 12);
      }),
    );
  });

  it('knows nothing without trials', () => {
    expect(clopperPearson(0, 0, 0.95)).toEqual({ lower: 0, upper: 1 });
  });

  it('refuses what is no count or no confidence', () => {
    for (const [successes, trials, confidence] of [
      [2, 1, 0.95],
      [-1, 1, 0.95],
      [0.5, 1, 0.95],
      [0, 1, 0],
      [0, 1, 1],
      [0, 1, Number.NaN],
    ] as const) {
      expect(() => clopperPearson(successes, trials, confidence)).toThrow(RangeError);
    }
  });
});
