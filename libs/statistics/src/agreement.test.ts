import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import fixtures from '../fixtures/agreement.json' with { type: 'json' };
import { macroF1 } from './agreement.ts';

const labels = 4;
const sets = fc.uniqueArray(fc.nat({ max: labels - 1 }));
const pairs = fc.array(fc.tuple(sets, sets), { minLength: 1 });

describe('macroF1', () => {
  it.each([fixtures.single, fixtures.multi])(
    "gives scikit-learn's figure for $labels labels",
    ({ truth, predicted, labels: count, macroF1: expected }) => {
      expect(macroF1(truth, predicted, count)).toBeCloseTo(expected, 12);
    },
  );

  it('is 1 where all agree, also on having no label, and 0 where no label is shared', () => {
    expect(macroF1([[0], [1, 2]], [[0], [2, 1]], labels)).toBe(1);
    expect(macroF1([[], []], [[], []], labels)).toBe(1);
    expect(macroF1([[0], []], [[1], [2]], labels)).toBe(0);
  });

  it('lies in [0, 1] and does not care which side is the truth', () => {
    fc.assert(
      fc.property(pairs, (documents) => {
        const [truth, predicted] = [documents.map(([left]) => left), documents.map(([, right]) => right)];
        const score = macroF1(truth, predicted, labels);
        expect(score).toBeGreaterThanOrEqual(0);
        expect(score).toBeLessThanOrEqual(1);
        expect(macroF1(predicted, truth, labels)).toBe(score);
      }),
    );
  });

  it('refuses sides of unequal length, and no documents', () => {
    expect(() => macroF1([[0]], [], labels)).toThrow(RangeError);
    expect(() => macroF1([], [], labels)).toThrow(RangeError);
  });
});
