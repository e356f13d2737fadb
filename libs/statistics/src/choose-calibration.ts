import { type CalibrationMap, type Kind, probabilities, smoothed, temperatureCalibration } from './calibration.ts';
import { meanOf } from './mean.ts';
import { logLosses } from './scores.ts';
import { fitVectorScaling } from './vector-scaling.ts';

const folds = 5;
/** With fewer documents of a label (or without it, for `multi`) a fold has one or none of them to judge by, so the label keeps the temperature. */
const fewestOfLabel = 10;

/** How both methods did on documents that neither was fitted to; log-losses are means over documents, in nats. */
export interface CalibrationComparison {
  readonly temperatureLogLoss: number;
  readonly vectorLogLoss: number;
  /** Of the mean of the documents' differences. */
  readonly standardError: number;
}

export interface ChosenCalibration {
  readonly calibration: CalibrationMap;
  /** Null where no label has enough documents for a scale and a bias of its own. */
  readonly comparison: CalibrationComparison | null;
  /** Labels that have too few documents: also where vector scaling is taken, they keep the temperature and no bias. */
  readonly rare: readonly number[];
  /** Fewer are too few. */
  readonly fewestOfLabel: number;
  /**
   * Calibrated probabilities of the documents, [n, labels], that flatter nobody: a vector's are by one that was fitted to other documents. A
   * temperature's are by the very one, for a single number learns nothing of a document.
   */
  readonly probabilities: Float64Array;
}

interface Documents {
  readonly logits: Float64Array;
  readonly targets: Float64Array;
}

/**
 * Calibrates by one temperature, or by vector scaling where that helps: where its cross-validated log-loss is lower by more than one standard error of
 * the documents' paired differences (`meanOf` names the source). Labels with few documents keep the temperature in any case. A label's documents are
 * dealt out to the folds in turn (stratified, Kohavi 1995).
 *
 * Of out-of-fold logits the comparison is strict on vector scaling where labels are many: the students that gave the other folds' logits had learned
 * from the labels that it is judged by.
 *
 * @param logits of a student that did not learn from the documents, [n, labels] row by row.
 * @param targets [n, labels], distributions: hard or soft.
 * @param pause is waited for before each fold: with many labels and documents the whole takes seconds.
 */
export async function chooseCalibration(
  logits: ArrayLike<number>,
  targets: ArrayLike<number>,
  n: number,
  labels: number,
  kind: Kind,
  pause: () => Promise<void> = async () => {},
): Promise<ChosenCalibration> {
  const all: Documents = { logits: Float64Array.from(logits), targets: Float64Array.from(targets) };
  const temperature = temperatureCalibration(all.logits, all.targets, labels, kind);
  const rare = rareLabels(all, labels, kind);
  const facts = { rare, fewestOfLabel };
  const byTemperature = () => ({ calibration: temperature, probabilities: probabilitiesOf(all, labels, kind, temperature), ...facts });
  if (rare.length === labels) return { ...byTemperature(), comparison: null };

  const [ofTemperature, ofVector] = [new Float64Array(n), new Float64Array(n)];
  const byVector = new Float64Array(n * labels);
  const places = Array.from({ length: n }, (_, document) => document);
  const foldOf = stratified(all, n, labels);
  for (let fold = 0; fold < folds; fold++) {
    await pause();
    const [within, others] = [
      places.filter((document) => foldOf[document] === fold),
      places.filter((document) => foldOf[document] !== fold),
    ];
    const [judging, fitting] = [pick(all, labels, within), pick(all, labels, others)];
    const one = temperatureCalibration(fitting.logits, fitting.targets, labels, kind);
    const many = vectorFor(fitting, labels, kind, one.temperature, rare);
    const before = logLosses(judging.logits, judging.targets, labels, kind, one);
    const after = logLosses(judging.logits, judging.targets, labels, kind, many);
    const calibrated = probabilitiesOf(judging, labels, kind, many);
    for (const [at, document] of within.entries()) {
      ofTemperature[document] = before[at]!;
      ofVector[document] = after[at]!;
      byVector.set(calibrated.subarray(at * labels, (at + 1) * labels), document * labels);
    }
  }
  const { mean: gain, standardError } = meanOf(ofTemperature.map((loss, document) => loss - ofVector[document]!));
  const comparison = { temperatureLogLoss: meanOf(ofTemperature).mean, vectorLogLoss: meanOf(ofVector).mean, standardError };
  if (!(gain > standardError)) return { ...byTemperature(), comparison };
  return { calibration: vectorFor(all, labels, kind, temperature.temperature, rare), comparison, probabilities: byVector, ...facts };
}

function vectorFor({ logits, targets }: Documents, labels: number, kind: Kind, temperature: number, rare: readonly number[]) {
  const n = targets.length / labels;
  return fitVectorScaling(logits, smoothed(targets, n, labels, kind), n, labels, kind, temperature, (label) => rare.includes(label));
}

function probabilitiesOf({ logits }: Documents, labels: number, kind: Kind, calibration: CalibrationMap): Float64Array {
  const found = new Float64Array(logits.length);
  for (let at = 0; at < logits.length; at += labels) found.set(probabilities(logits, at, labels, kind, calibration), at);
  return found;
}

/** Labels that few documents have or, for `multi`, that few are without. Soft targets count by their shares. */
function rareLabels({ targets }: Documents, labels: number, kind: Kind): number[] {
  const counts = new Float64Array(labels);
  for (let at = 0; at < targets.length; at++) counts[at % labels]! += targets[at]!;
  const n = targets.length / labels;
  return Array.from(counts.keys()).filter((label) => Math.min(counts[label]!, kind === 'multi' ? n - counts[label]! : n) < fewestOfLabel);
}

/** The fold of each document: label by label, by the most probable one, dealt out in turn. */
function stratified({ targets }: Documents, n: number, labels: number): Int32Array {
  const labelOf = Array.from({ length: n }, (_, document) => {
    const own = targets.subarray(document * labels, (document + 1) * labels);
    return own.indexOf(Math.max(...own));
  });
  const foldOf = new Int32Array(n);
  const byLabel = [...labelOf.keys()].sort((left, right) => labelOf[left]! - labelOf[right]! || left - right);
  for (const [turn, document] of byLabel.entries()) foldOf[document] = turn % folds;
  return foldOf;
}

function pick({ logits, targets }: Documents, labels: number, documents: readonly number[]): Documents {
  const picked = { logits: new Float64Array(documents.length * labels), targets: new Float64Array(documents.length * labels) };
  for (const [at, document] of documents.entries()) {
    const [begin, end] = [document * labels, (document + 1) * labels];
    picked.logits.set(logits.subarray(begin, end), at * labels);
    picked.targets.set(targets.subarray(begin, end), at * labels);
  }
  return picked;
}
