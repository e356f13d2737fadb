import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide, decisionProbability, hardDistribution, type LabelSet } from './labels.ts';

const colours: LabelSet = { kind: 'single', names: ['red', 'green', 'blue'] };
const topics: LabelSet = { kind: 'multi', names: ['price', 'quality', 'service'] };

describe('decide', () => {
  it('takes the most probable of single labels, the first of equals', () => {
    expect(decide(colours, [0.2, 0.5, 0.3])).toEqual([1]);
    expect(decide(colours, [0.4, 0.2, 0.4])).toEqual([0]);
  });

  it('takes every label of a multi set at or above one half, and may take none', () => {
    expect(decide(topics, [0.5, 0.49, 0.9])).toEqual([0, 2]);
    expect(decide(topics, [0.1, 0.2, 0.3])).toEqual([]);
  });

  it('gives back what a hard distribution was made of', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(2)), (indices) => {
        const sorted = [...indices].sort();
        expect(decide(topics, hardDistribution(topics, sorted))).toEqual(sorted);
        if (sorted[0] !== undefined) expect(decide(colours, hardDistribution(colours, [sorted[0]]))).toEqual([sorted[0]]);
      }),
    );
  });
});

describe('decisionProbability', () => {
  it('is the chosen label’s probability, or that of all sides taken together', () => {
    expect(decisionProbability(colours, [0.2, 0.5, 0.3])).toBe(0.5);
    expect(decisionProbability(topics, [0.9, 0.2, 0.5])).toBeCloseTo(0.9 * 0.8 * 0.5, 12);
  });
});
