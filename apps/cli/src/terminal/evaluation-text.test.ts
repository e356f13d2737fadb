import type { Evaluation } from '@llambert/domain';
import { describe, expect, it } from 'vitest';
import { evaluationText, reliabilityText } from './evaluation-text.ts';

const evaluation: Evaluation = {
  reference: 'human',
  on: 'certify-gold',
  documents: 1200,
  accuracy: 0.9,
  accuracyInterval: { lower: 0.882, upper: 0.916 },
  macroF1: 0.88,
  expectedCalibrationError: 0.021,
  brierScore: 0.1436,
};

describe('an evaluation as a person reads it', () => {
  it('names its reference beside every figure', () => {
    expect(evaluationText(evaluation)).toEqual([
      'accuracy against people 90.0 % (95 % interval 88.2 % to 91.6 %, 1,200 documents, certify-gold)',
      '                        calibration error 2.1 %, Brier score 0.144',
    ]);
  });

  it('shows how often labels of each probability are right, where there are any', () => {
    const reliability = [
      { lower: 0, upper: 0.5, count: 0, meanConfidence: null, accuracy: null },
      { lower: 0.5, upper: 1, count: 1200, meanConfidence: 0.877, accuracy: 0.9 },
    ];
    expect(reliabilityText({ ...evaluation, reliability })).toEqual([
      '  probability        documents  on average  right',
      '   50.0 % – 100.0 %  1200       87.7 %      90.0 %',
    ]);
    expect(reliabilityText(evaluation)).toEqual(['  the version that trained this model kept no reliability diagram']);
  });
});
