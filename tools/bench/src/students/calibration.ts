import { decide, decisionProbability, hardDistribution, type LabelSet, type StudentSettings } from '@llambert/domain';
import {
  brierScore,
  type CalibrationMap,
  chooseCalibration,
  fitVectorScaling,
  logLosses,
  probabilities,
  reliability,
  smoothed,
  temperatureCalibration,
} from '@llambert/statistics';
import type { TrainRequest } from '@llambert/training';
import type { LabelledDocument } from '../labelled-data.ts';

/** How good a calibration's probabilities are on documents that no training saw. */
interface Figures {
  readonly accuracy: number;
  /** In nats. */
  readonly logLoss: number;
  /** In 15 bins. */
  readonly calibrationError: number;
  readonly brierScore: number;
}

/** Both calibrations by the held-out rows, each against people and against the teacher (null where it did not label them), and which one is released. */
export async function compareCalibrations(
  labels: LabelSet,
  { classWeights }: Pick<StudentSettings, 'classWeights'>,
  rows: TrainRequest['rows'],
  {
    heldOut,
    scoredLogits,
  }: { readonly heldOut: { readonly rows: readonly number[]; readonly logits: Float32Array }; readonly scoredLogits: Float32Array },
  scored: readonly LabelledDocument[],
) {
  const width = labels.names.length;
  const n = heldOut.rows.length;
  const targets = heldOut.rows.flatMap((row) => rows[row]!.target);
  const { calibration, comparison, rare } = await chooseCalibration(heldOut.logits, targets, n, width, labels.kind);
  const one = temperatureCalibration(heldOut.logits, targets, width, labels.kind);
  const cells = smoothed(targets, n, width, labels.kind);
  const maps = {
    temperature: one,
    vector: fitVectorScaling(heldOut.logits, cells, n, width, labels.kind, one.temperature, (label) => rare.includes(label)),
  };
  const against = (reference: (document: LabelledDocument) => string | null) => {
    const labelled = [...scored.keys()].filter((place) => reference(scored[place]!) !== null);
    if (labelled.length === 0) return null;
    const logits = Float32Array.from(labelled.flatMap((place) => [...scoredLogits.subarray(place * width, (place + 1) * width)]));
    const truth = labelled.flatMap((place) => hardDistribution(labels, [labels.names.indexOf(reference(scored[place]!)!)]));
    return {
      documents: labelled.length,
      temperature: figures(labels, logits, truth, maps.temperature),
      vector: figures(labels, logits, truth, maps.vector),
    };
  };
  return {
    // As the trainer decides: balanced weights are not taken back.
    released: classWeights === 'balanced' ? ('temperature' as const) : calibration.method,
    comparison,
    rareLabels: rare.length,
    people: against(({ gold }) => gold),
    teacher: against(({ answer }) => answer),
  };
}

function figures(labels: LabelSet, logits: Float32Array, truth: readonly number[], calibration: CalibrationMap): Figures {
  const width = labels.names.length;
  const n = truth.length / width;
  const shares = Array.from({ length: n }, (_, row) => Array.from(probabilities(logits, row * width, width, labels.kind, calibration)));
  const correct = shares.map(
    (own, row) => decide(labels, own).join() === decide(labels, truth.slice(row * width, (row + 1) * width)).join(),
  );
  const confidences = shares.map((own) => decisionProbability(labels, own));
  return {
    accuracy: correct.filter(Boolean).length / n,
    logLoss: logLosses(logits, truth, width, labels.kind, calibration).reduce((sum, loss) => sum + loss / n, 0),
    calibrationError: reliability(confidences, correct, 15).ece,
    brierScore: brierScore(shares.flat(), truth, width, labels.kind),
  };
}
