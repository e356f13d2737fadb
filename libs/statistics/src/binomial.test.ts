import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import fixtures from '../fixtures/binomial.json' with { type: 'json' };
import { binomialTail } from './binomial.ts';

describe('binomialTail', () => {
  it.each(fixtures)("gives scipy's P(Bin($n, $p) <= $k)", ({ k, n, p, tail }) => {
    expect(Math.abs(binomialTail(k, n, p) / tail - 1)).toBeLessThan(1e-10);
  });

  it('is the sum of the masses', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.double({ min: 0.001, max: 0.999, noNaN: true }), (n, p) => {
        let mass = (1 - p) ** n;
        let sum = mass;
        for (let k = 0; k < n; k++) {
          expect(binomialTail(k, n, p)).toBeCloseTo(sum, 10);
          mass *= ((n - k) / (k + 1)) * (p / (1 - p));
          sum += mass;
        }
      }),
    );
  });

  it('is the other tail of the failures', () => {
    const draws = fc.integer({ min: 1, max: 5000 }).chain((n) => fc.tuple(fc.constant(n), fc.integer({ min: 0, max: n - 1 })));
    fc.assert(
      fc.property(draws, fc.double({ min: 0, max: 1, noNaN: true }), ([n, k], p) => {
        expect(binomialTail(k, n, p) + binomialTail(n - k - 1, n, 1 - p)).toBeCloseTo(1, 9);
      }),
    );
  });

  it('knows the ends', () => {
    expect(binomialTail(-1, 10, 0.5)).toBe(0);
    expect(binomialTail(10, 10, 0.5)).toBe(1);
    expect(binomialTail(0, 0, 0.5)).toBe(1);
    expect(binomialTail(3, 10, 0)).toBe(1);
    expect(binomialTail(3, 10, 1)).toBe(0);
  });

  it('refuses what is no distribution', () => {
    for (const [k, n, p] of [
      [1, -1, 0.5],
      [1, 2.5, 0.5],
      [1, 2, 1.5],
      [1, 2, Number.NaN],
      [Number.NaN, 2, 0.5],
    ] as const) {
      expect(() => binomialTail(k, n, p)).toThrow(RangeError);
    }
  });
});
