import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inUsd, nanoUsd, priceOf } from './money.ts';

describe('priceOf', () => {
  it('is the price list times the tokens, rounded up', () => {
    expect(priceOf({ input: 1_000_000, output: 1_000_000 }, { input: 0.15, output: 0.6 })).toBe(nanoUsd(0.75));
    expect(priceOf({ input: 1, output: 0 }, { input: 0.0001, output: 0 })).toBe(1);
  });

  it('is never below the exact price', () => {
    fc.assert(
      fc.property(fc.nat(1e6), fc.nat(1e5), fc.double({ min: 0, max: 100, noNaN: true }), (input, output, price) => {
        const exact = (input * price + output * 2 * price) / 1e6;
        expect(inUsd(priceOf({ input, output }, { input: price, output: 2 * price }))).toBeGreaterThanOrEqual(exact - 1e-12);
      }),
    );
  });
});
