import {
  type Document,
  decide,
  decisionProbability,
  hardDistribution,
  type LabelSet,
  type PseudoLabelSettings,
  type StudentSettings,
} from '@llambert/domain';
import { type TrainingRow, trainLinear } from '@llambert/student';
import { calibrate, calibrated } from './calibration.ts';

/** Documents whose logits are in memory at once. */
const documentsPerBatch = 1000;

/**
 * Unlabelled documents under the labels that a first student gives them, where its calibrated probability is high enough (Lee 2013,
 * "Pseudo-Label: the simple and efficient semi-supervised learning method for deep neural networks"). The first student is the linear one: it is the
 * cheapest, and it errs otherwise than an encoder, which therefore does not only learn what it believes already (Blum & Mitchell 1998, co-training).
 * @param rows what it learns from
 * @returns rows to learn from, which belong to the folds of `rows` in turn
 */
export async function pseudoLabelled(
  rows: readonly TrainingRow[],
  unlabelled: readonly Pick<Document, 'text' | 'textPair'>[],
  labels: LabelSet,
  { confidence }: PseudoLabelSettings,
  { classWeights }: Pick<StudentSettings, 'classWeights'>,
  onProgress: (done: number) => void,
): Promise<TrainingRow[]> {
  const { model, outOfFold } = await trainLinear({ rows, labels, settings: { features: 'auto', classWeights }, onProgress });
  const width = labels.names.length;
  const { calibration } = await calibrate(
    labels,
    rows.map(({ target }) => target),
    outOfFold.logits,
    { classWeights },
  );
  const folds = [...new Set(rows.map(({ fold }) => fold))].sort((left, right) => left - right);
  const found: TrainingRow[] = [];
  for (let first = 0; first < unlabelled.length; first += documentsPerBatch) {
    const documents = unlabelled.slice(first, first + documentsPerBatch);
    const logits = new Float32Array(documents.length * width);
    model.logits(documents, logits);
    for (const [place, shares] of calibrated(labels, logits, calibration).entries()) {
      const { text, textPair } = documents[place]!;
      if (decisionProbability(labels, shares) < confidence) continue;
      found.push({
        text,
        ...(textPair === undefined ? {} : { textPair }),
        target: hardDistribution(labels, decide(labels, shares)),
        weight: 1,
        fold: folds[found.length % folds.length]!,
      });
    }
  }
  return found;
}
