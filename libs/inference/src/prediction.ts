import { type Document, decide, decisionProbability, type LabelSet, type Prediction, type RoutingThreshold } from '@llambert/domain';

/** What a model adds to its probabilities to make predictions of them. */
export interface PredictingModel {
  readonly digest: string;
  readonly labels: LabelSet;
  readonly routing: RoutingThreshold;
}

/** Digits kept of a probability: finer is noise, and files of millions of lines hold them all. */
const probabilityDigits = 6;

/** The prediction that a model's calibrated probabilities (one per label) make for a document. */
export function predictionOf(
  model: PredictingModel,
  where: { task: string; pass: string },
  document: Pick<Document, 'id'>,
  probabilities: ArrayLike<number>,
  truncated: boolean,
): Prediction {
  const probability = decisionProbability(model.labels, probabilities);
  const { threshold } = model.routing;
  return {
    task: where.task,
    pass: where.pass,
    documentId: document.id,
    labels: decide(model.labels, probabilities).map((index) => model.labels.names[index]!),
    probability: rounded(probability),
    probabilities: Array.from(probabilities, rounded),
    // The threshold was chosen on unrounded probabilities, so it is compared with them.
    route: threshold !== null && probability >= threshold ? 'auto' : 'review',
    truncated,
    model: model.digest,
  };
}

function rounded(probability: number): number {
  return Number(probability.toFixed(probabilityDigits));
}
