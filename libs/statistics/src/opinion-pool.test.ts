import { describe, expect, it } from 'vitest';
import fixtures from '../fixtures/opinion-pool.json' with { type: 'json' };
import { fitTemperature, type Kind } from './calibration.ts';
import { fitShare, pooledLogits } from './opinion-pool.ts';
import { logLosses } from './scores.ts';

describe.each(fixtures)('fitShare: $kind, $n documents, $labels labels', ({ first, second, targets, n, labels, share, loss, ...rest }) => {
  const kind = rest.kind as Kind;
  const lossAt = (own: number) => {
    const logits = pooledLogits(first, second, own);
    const temperature = fitTemperature(logits, targets, n, labels, kind);
    return logLosses(logits, targets, labels, kind, { method: 'temperature', temperature }).reduce((sum, each) => sum + each, 0);
  };
  const found = fitShare(first, second, targets, n, labels, kind);

  it("finds scipy's minimum over both weights", () => {
    expect(Math.abs(found - share)).toBeLessThan(1e-3);
    // scipy's losses of independent labels are sums over the labels, ours means.
    expect(lossAt(found) * (kind === 'single' ? 1 : labels)).toBeCloseTo(loss, 4);
  });

  it('is no worse than either student alone', () => {
    expect(lossAt(found)).toBeLessThanOrEqual(Math.min(lossAt(0), lossAt(1)));
  });

  it('does not hang on the order of the two', () => {
    expect(fitShare(second, first, targets, n, labels, kind)).toBeCloseTo(1 - found, 3);
  });
});

describe('fitShare', () => {
  it('gives more to the student that knows more', () => {
    const targets = [1, 0, 0, 1, 1, 0, 0, 1];
    const knows = [2, 0, 0, 2, 2, 0, 0, 1];
    const guesses = [0, 1, 0, 1, 1, 0, 1, 0];
    expect(fitShare(knows, guesses, targets, 4, 2, 'single')).toBeGreaterThan(0.6);
  });
});

describe('pooledLogits', () => {
  it('are the weighted means of both', () => {
    expect([...pooledLogits([1, -1], [3, 1], 0.25)]).toEqual([2.5, 0.5]);
    expect([...pooledLogits([1, -1], [3, 1], 1)]).toEqual([1, -1]);
  });
});
