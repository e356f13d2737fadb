import type { Evaluation, ReliabilityBin } from '@llambert/domain';
import { EvaluatedOn, Reference, type Evaluation as Wire, type ReliabilityBin as WireBin } from '../generated/llambert/model/v1/model.ts';
import { enumeration, finite, orNull, present, share } from './fields.ts';

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
  return {
    ...evaluation,
    reference: references.toWire(evaluation.reference),
    on: evaluatedOn.toWire(evaluation.on),
    reliability: (evaluation.reliability ?? []).map(({ meanConfidence, accuracy, ...bin }) => ({
      ...bin,
      meanConfidence: meanConfidence ?? undefined,
      accuracy: accuracy ?? undefined,
    })),
  };
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
    ...(wire.reliability.length === 0
      ? {}
      : { reliability: wire.reliability.map((bin, index) => binFromWire(`${field}.reliability[${index}]`, bin)) }),
  };
}

function binFromWire(field: string, { lower, upper, count, meanConfidence, accuracy }: WireBin): ReliabilityBin {
  return {
    lower: share(`${field}.lower`, lower),
    upper: share(`${field}.upper`, upper),
    count,
    meanConfidence: orNull(meanConfidence, (value) => share(`${field}.mean_confidence`, value)),
    accuracy: orNull(accuracy, (value) => share(`${field}.accuracy`, value)),
  };
}
