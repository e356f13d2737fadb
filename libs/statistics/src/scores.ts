import { type CalibrationMap, calibratedLogits, type Kind } from './calibration.ts';

export interface ReliabilityBin {
  /** Confidences in [lower, upper); the last bin holds 1 as well. */
  readonly lower: number;
  readonly upper: number;
  readonly count: number;
  /** Null where the bin is empty, as is `accuracy`. */
  readonly meanConfidence: number | null;
  readonly accuracy: number | null;
}

/**
 * The reliability diagram in bins of equal width, and the expected calibration error: the mean gap between confidence and accuracy,
 * by the bins' counts (Naeini et al. 2015, "Obtaining well calibrated probabilities using Bayesian binning"; Guo et al. 2017).
 *
 * @param confidences in [0, 1], one a document; `correct` says which decisions were right. At least one.
 */
export function reliability(
  confidences: ArrayLike<number>,
  correct: ArrayLike<boolean>,
  bins: number,
): { bins: ReliabilityBin[]; ece: number } {
  if (confidences.length === 0) throw new RangeError('reliability needs at least one document');
  const counts = new Array<number>(bins).fill(0);
  const confidence = new Array<number>(bins).fill(0);
  const right = new Array<number>(bins).fill(0);
  for (let document = 0; document < confidences.length; document++) {
    const bin = Math.min(bins - 1, Math.floor(confidences[document]! * bins));
    counts[bin]! += 1;
    confidence[bin]! += confidences[document]!;
    if (correct[document]!) right[bin]! += 1;
  }
  const ece = counts.reduce((sum, _, bin) => sum + Math.abs(confidence[bin]! - right[bin]!), 0) / confidences.length;
  return {
    ece,
    bins: counts.map((count, bin) => ({
      lower: bin / bins,
      upper: (bin + 1) / bins,
      count,
      meanConfidence: count === 0 ? null : confidence[bin]! / count,
      accuracy: count === 0 ? null : right[bin]! / count,
    })),
  };
}

/**
 * Mean squared distance of probabilities and targets (Brier 1950, "Verification of forecasts expressed in terms of probability"):
 * summed over the labels of a document for `single` (in [0, 2]), averaged over them for `multi` (in [0, 1]).
 *
 * @param predicted [n, labels] row by row, as are `targets`. At least one document.
 */
export function brierScore(predicted: ArrayLike<number>, targets: ArrayLike<number>, labels: number, kind: Kind): number {
  if (predicted.length === 0) throw new RangeError('the Brier score needs at least one document');
  let sum = 0;
  for (let index = 0; index < predicted.length; index++) sum += (predicted[index]! - targets[index]!) ** 2;
  return sum / (kind === 'single' ? predicted.length / labels : predicted.length);
}

/**
 * The log-loss of each document under a calibration, in nats: cross entropy of target and probabilities (`single`), or the mean over labels of
 * that of each label (`multi`). Taken of logits, so that it is finite where a probability rounds to 0.
 *
 * @param logits [n, labels] row by row, as are `targets`.
 * @returns [n]
 */
export function logLosses(
  logits: ArrayLike<number>,
  targets: ArrayLike<number>,
  labels: number,
  kind: Kind,
  calibration: CalibrationMap,
): Float64Array {
  const own = new Float64Array(labels);
  return Float64Array.from({ length: targets.length / labels }, (_, document) => {
    calibratedLogits(logits, document * labels, labels, kind, calibration, own);
    return crossEntropy(own, targets, document * labels, labels, kind) / (kind === 'single' ? 1 : labels);
  });
}

/** Cross entropy of a document's target, whose row begins at `offset`, and its logits, summed over the labels of `multi`. */
function crossEntropy(logits: Float64Array, targets: ArrayLike<number>, offset: number, labels: number, kind: Kind): number {
  let loss = 0;
  if (kind === 'multi') {
    // ln(1 + eᶻ) - t·z, so that it cannot overflow.
    for (let label = 0; label < labels; label++) {
      const logit = logits[label]!;
      loss += Math.max(logit, 0) + Math.log1p(Math.exp(-Math.abs(logit))) - targets[offset + label]! * logit;
    }
    return loss;
  }
  let greatest = Number.NEGATIVE_INFINITY;
  for (let label = 0; label < labels; label++) greatest = Math.max(greatest, logits[label]!);
  let sum = 0;
  for (let label = 0; label < labels; label++) sum += Math.exp(logits[label]! - greatest);
  const normalizer = greatest + Math.log(sum);
  for (let label = 0; label < labels; label++) loss += targets[offset + label]! * (normalizer - logits[label]!);
  return loss;
}
