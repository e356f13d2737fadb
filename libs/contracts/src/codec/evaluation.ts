import type { Evaluation } from '@llambert/domain';
import { EvaluatedOn, Reference, type Evaluation as Wire } from '../generated/llambert/model/v1/model.ts';
import { enumeration, finite, present, share } from './fields.ts';

export const references = enumeration<Evaluation['reference'], Reference>({
  human: Reference.REFERENCE_HUMAN,
  teacher: Reference.REFERENCE_TEACHER,
});

const evaluatedOn = enumeration<Evaluation['on'], EvaluatedOn>({
  'out-of-fold': EvaluatedOn.EVALUATED_ON_OUT_OF_FOLD,
  'held-out': EvaluatedOn.EVALUATED_ON_HELD_OUT,
  'certify-gold': EvaluatedOn.EVALUATED_ON_CERTIFY_GOLD,
});

export function evaluationToWire(evaluation: Evaluation): Wire {
  return { ...evaluation, reference: references.toWire(evaluation.reference), on: evaluatedOn.toWire(evaluation.on) };
}

/** @param field where the evaluation stands, for errors */
export function evaluationFromWire(field: string, wire: Wire): Evaluation {
  const interval = present(`${field}.accuracy_interval`, wire.accuracyInterval);
  return {
    reference: references.fromWire(`${field}.reference`, wire.reference),
    on: evaluatedOn.fromWire(`${field}.on`, wire.on),
    documents: wire.documents,
    accuracy: share(`${field}.accuracy`, wire.accuracy),
    accuracyInterval: {
      lower: share(`${field}.accuracy_interval.lower`, interval.lower),
      upper: share(`${field}.accuracy_interval.upper`, interval.upper),
    },
    macroF1: share(`${field}.macro_f1`, wire.macroF1),
    expectedCalibrationError: share(`${field}.expected_calibration_error`, wire.expectedCalibrationError),
    brierScore: finite(`${field}.brier_score`, wire.brierScore),
  };
}
