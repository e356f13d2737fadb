import { describe, expect, it } from 'vitest';
import { agreement } from './agreement.ts';

describe('agreement', () => {
  it('is the largest difference, and the usual one beside the spread of the reference', () => {
    // Differences 0, 0.3, 0, -0.4: their mean square is 0.0625. The reference has a standard deviation of 2.
    const { largest, relative } = agreement([8, 12.3, 8, 11.6], [8, 12, 8, 12]);
    expect(largest).toBeCloseTo(0.4);
    expect(relative).toBeCloseTo(0.125);
  });

  it('is no number where one is none, so that no comparison with a limit holds', () => {
    expect(agreement([Number.NaN, 1], [1, 2]).largest <= 1e-3).toBe(false);
  });

  it('is refused for other texts', () => {
    expect(() => agreement([1, 2], [1])).toThrow(RangeError);
  });
});
