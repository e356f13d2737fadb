import { decide, decisionProbability, type Evaluation, type LabelDistribution, type LabelSet, type Reference } from '@llambert/domain';
import { brierScore, clopperPearson, macroF1, reliability } from '@llambert/statistics';

/** Bins of the reliability diagram and of the calibration error that sums it up. */
const calibrationBins = 15;

/** A model's calibrated probabilities for documents whose labels are known from elsewhere. */
export interface ScoredDocuments {
  /** One distribution a document. */
  readonly probabilities: readonly LabelDistribution[];
  /** What the reference says, one distribution a document. */
  readonly targets: readonly LabelDistribution[];
}

/** Confidence of each decision and whether it is wrong: what thresholds are chosen on. */
export function decisions(labels: LabelSet, scored: ScoredDocuments): { confidences: number[]; errors: boolean[] } {
  return {
    confidences: scored.probabilities.map((probabilities) => decisionProbability(labels, probabilities)),
    errors: scored.probabilities.map(
      (probabilities, index) => decide(labels, probabilities).join() !== decide(labels, scored.targets[index]!).join(),
    ),
  };
}

/** How well a model does against a reference. At least one document. */
export function evaluate(labels: LabelSet, scored: ScoredDocuments, reference: Reference, on: Evaluation['on']): Evaluation {
  const documents = scored.targets.length;
  const { confidences, errors } = decisions(labels, scored);
  const right = errors.filter((wrong) => !wrong).length;
  const decided = scored.probabilities.map((probabilities) => decide(labels, probabilities));
  const truth = scored.targets.map((target) => decide(labels, target));
  const { bins, ece } = reliability(
    confidences,
    errors.map((wrong) => !wrong),
    calibrationBins,
  );
  return {
    reference,
    on,
    documents,
    accuracy: right / documents,
    accuracyInterval: clopperPearson(right, documents, 0.95),
    macroF1: macroF1(truth, decided, labels.names.length),
    expectedCalibrationError: ece,
    brierScore: brierScore(scored.probabilities.flat(), scored.targets.flat(), labels.names.length, labels.kind),
    reliability: bins,
  };
}
