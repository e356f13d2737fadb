import type { RoutingThreshold } from '@llambert/domain';
import { describe, expect, it } from 'vitest';
import { predictionOf } from './prediction.ts';

const routing = (threshold: number | null): RoutingThreshold => ({
  certified: false,
  reference: 'teacher',
  threshold,
  targetError: 0.05,
  confidence: 0.95,
  coverage: 0.5,
  observedError: 0.01,
  documents: 100,
  goldNeeded: 10,
  explanation: 'uncertified',
});
const single = { kind: 'single', names: ['a', 'b'] } as const;
const multi = { kind: 'multi', names: ['a', 'b', 'c'] } as const;
const where = { task: 'task', pass: 'live' };

describe('a prediction', () => {
  it.each([
    [0.9, [0.9, 0.1], 'auto'],
    [0.9, [0.89999999, 0.10000001], 'review'],
    [null, [1, 0], 'review'],
  ] as const)('above the threshold %s is automatic: %j goes to %s', (threshold, probabilities, route) => {
    const model = { digest: 'digest', labels: single, routing: routing(threshold) };
    expect(predictionOf(model, where, { id: '1' }, probabilities, false).route).toBe(route);
  });

  it('of a multi-label task may have several labels or none, and is as sure as all its decisions together', () => {
    const model = { digest: 'digest', labels: multi, routing: routing(0.5) };
    const several = predictionOf(model, where, { id: '1' }, [0.9, 0.8, 0.1], true);
    expect(several).toMatchObject({ labels: ['a', 'b'], truncated: true, model: 'digest', pass: 'live', documentId: '1' });
    expect(several.probability).toBeCloseTo(0.9 * 0.8 * 0.9);
    expect(predictionOf(model, where, { id: '1' }, [0.1, 0.1, 0.1], false).labels).toEqual([]);
  });
});
