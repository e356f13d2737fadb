import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import fixtures from '../fixtures/learning-curve.json' with { type: 'json' };
import { fitPowerLaw } from './learning-curve.ts';

const share = fc.double({ min: 0, max: 1, noNaN: true });
const points = fc.array(fc.record({ n: fc.integer({ min: 1, max: 1_000_000 }), error: share }), { minLength: 1, maxLength: 8 });

describe('fitPowerLaw', () => {
  it.each(fixtures)('fits as well as scipy, and predicts the same: $name', ({ points: seen, loss, atTwice }) => {
    const law = fitPowerLaw(seen);
    const own = seen.reduce((sum, { n, error }) => sum + n * (law.predict(n) - error) ** 2, 0);
    expect(own).toBeLessThanOrEqual(loss * (1 + 1e-7) + 1e-9);
    expect(law.predict(2 * seen.at(-1)!.n)).toBeCloseTo(atTwice, 5);
  });

  it('finds the law that points without noise follow', () => {
    const law = (n: number) => 1.4 * n ** -0.3 + 0.08;
    const ns = [300, 600, 1200];
    const fitted = fitPowerLaw(ns.map((n) => ({ n, error: law(n) })));
    for (const n of [...ns, 2400, 10_000]) expect(fitted.predict(n)).toBeCloseTo(law(n), 5);
  });

  it('takes two points for a law without a floor', () => {
    const fitted = fitPowerLaw([
      { n: 100, error: 0.4 },
      { n: 400, error: 0.2 },
    ]);
    expect(fitted.predict(1600)).toBeCloseTo(0.1, 6);
  });

  it('is constant where nothing got better, or nothing was varied', () => {
    const worse = fitPowerLaw([
      { n: 100, error: 0.1 },
      { n: 200, error: 0.1 },
      { n: 300, error: 0.3 },
    ]);
    expect(worse.predict(1)).toBe(worse.predict(1e9));
    const same = fitPowerLaw([
      { n: 100, error: 0.1 },
      { n: 100, error: 0.2 },
      { n: 100, error: 0.3 },
    ]);
    expect(same.predict(100)).toBeCloseTo(0.2, 12);
    expect(same.predict(1e9)).toBe(same.predict(1));
  });

  it('weighs a point by its n', () => {
    expect(
      fitPowerLaw([
        { n: 100, error: 0.1 },
        { n: 300, error: 0.3 },
      ]).predict(1000),
    ).toBeCloseTo(0.25, 12);
  });

  it('predicts a share that never grows, whatever the points', () => {
    fc.assert(
      fc.property(points, fc.array(fc.double({ min: 1, max: 1e12, noNaN: true }), { minLength: 2 }), (seen, ns) => {
        const law = fitPowerLaw(seen);
        const predicted = ns.sort((left, right) => left - right).map((n) => law.predict(n));
        for (const [index, error] of predicted.entries()) {
          expect(error >= 0 && error <= 1).toBe(true);
          if (index > 0) expect(error).toBeLessThanOrEqual(predicted[index - 1]!);
        }
      }),
    );
  });

  it('does not mind the order of the points', () => {
    fc.assert(
      fc.property(points, (seen) => {
        expect(fitPowerLaw([...seen].reverse()).predict(5000)).toBeCloseTo(fitPowerLaw(seen).predict(5000), 5);
      }),
    );
  });

  it('refuses points that are none', () => {
    for (const bad of [
      [],
      [{ n: 0, error: 0.1 }],
      [{ n: 10, error: Number.NaN }],
      [{ n: 10, error: 1.1 }],
      [{ n: Infinity, error: 0.1 }],
    ]) {
      expect(() => fitPowerLaw(bad)).toThrow(RangeError);
    }
    expect(() => fitPowerLaw([{ n: 10, error: 0.1 }]).predict(0)).toThrow(RangeError);
  });
});
