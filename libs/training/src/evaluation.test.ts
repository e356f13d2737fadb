import type { LabelSet } from '@llambert/domain';
import { describe, expect, it } from 'vitest';
import { decisions, evaluate } from './evaluation.ts';

const single: LabelSet = { kind: 'single', names: ['a', 'b', 'c'] };
const multi: LabelSet = { kind: 'multi', names: ['a', 'b'] };

describe('decisions', () => {
  it('are as sure as the decided label is probable, and wrong where the reference has another one', () => {
    const scored = {
      probabilities: [
        [0.7, 0.2, 0.1],
        [0.1, 0.5, 0.4],
      ],
      targets: [
        [1, 0, 0],
        [0, 0, 1],
      ],
    };
    expect(decisions(single, scored)).toEqual({ confidences: [0.7, 0.5], errors: [false, true] });
  });

  it('of a multi-label task are right only as a whole', () => {
    const scored = {
      probabilities: [
        [0.9, 0.2],
        [0.9, 0.2],
      ],
      targets: [
        [1, 0],
        [1, 1],
      ],
    };
    const { confidences, errors } = decisions(multi, scored);
    expect(errors).toEqual([false, true]);
    expect(confidences[0]).toBeCloseTo(0.9 * 0.8);
  });
});

describe('an evaluation', () => {
  it('names its reference and gives accuracy with its interval', () => {
    const scored = {
      probabilities: [
        [0.8, 0.1, 0.1],
        [0.8, 0.1, 0.1],
        [0.1, 0.8, 0.1],
        [0.1, 0.8, 0.1],
      ],
      targets: [
        [1, 0, 0],
        [0, 1, 0],
        [0, 1, 0],
        [0, 1, 0],
      ],
    };
    const evaluation = evaluate(single, scored, 'human', 'certify-gold');
    expect(evaluation).toMatchObject({ reference: 'human', on: 'certify-gold', documents: 4, accuracy: 0.75 });
    // Clopper-Pearson for 3 of 4, by R's binom.test.
    expect(evaluation.accuracyInterval.lower).toBeCloseTo(0.1941, 3);
    expect(evaluation.accuracyInterval.upper).toBeCloseTo(0.9937, 3);
    expect(evaluation.expectedCalibrationError).toBeCloseTo(0.05);
    // Fifteenths: 0.8 is the lower end of the last but two.
    expect(evaluation.reliability).toHaveLength(15);
    expect(evaluation.reliability!.filter(({ count }) => count > 0)).toEqual([
      { lower: 12 / 15, upper: 13 / 15, count: 4, meanConfidence: expect.closeTo(0.8), accuracy: 0.75 },
    ]);
    // a: precision 1/2, recall 1; b: precision 1, recall 2/3; c is on neither side.
    expect(evaluation.macroF1).toBeCloseTo((2 / 3 + 0.8) / 2);
  });
});
