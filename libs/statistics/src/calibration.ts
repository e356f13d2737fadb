/** `single`: one softmax over the labels; `multi`: a sigmoid for each. */
export type Kind = 'single' | 'multi';

const leastTemperature = 0.05;
const greatestTemperature = 20;

/**
 * Calibrated probabilities of one document: softmax (`single`) or sigmoid (`multi`) of logits / temperature.
 *
 * @param logits [documents, labels] row by row; `offset` is where the document's row begins.
 * @param out where to put them, [labels]; a new array by default.
 */
export function probabilities(
  logits: ArrayLike<number>,
  offset: number,
  labels: number,
  kind: Kind,
  temperature: number,
  out: Float64Array = new Float64Array(labels),
): Float64Array {
  if (kind === 'multi') {
    for (let label = 0; label < labels; label++) out[label] = 1 / (1 + Math.exp(-logits[offset + label]! / temperature));
    return out;
  }
  let greatest = Number.NEGATIVE_INFINITY;
  for (let label = 0; label < labels; label++) greatest = Math.max(greatest, logits[offset + label]!);
  let sum = 0;
  for (let label = 0; label < labels; label++) sum += out[label] = Math.exp((logits[offset + label]! - greatest) / temperature);
  for (let label = 0; label < labels; label++) out[label]! /= sum;
  return out;
}

/**
 * The temperature that minimises the negative log-likelihood of held-out targets (Guo et al. 2017, "On calibration of modern neural
 * networks", arXiv 1706.04599), within [0.05, 20]: targets that the logits separate perfectly have no minimum and get the bound.
 *
 * The likelihood is convex in the inverse temperature, so its slope crosses zero once: Newton steps on the logarithm, each kept
 * inside the bracket that the slopes' signs have shown, by bisection where it would leave it.
 *
 * @param logits [n, labels] row by row.
 * @param targets [n, labels], distributions: hard or soft.
 * @returns 1 where there is nothing to learn from: no documents, or logits that tell no labels apart.
 */
export function fitTemperature(logits: ArrayLike<number>, targets: ArrayLike<number>, n: number, labels: number, kind: Kind): number {
  const derivatives = (inverse: number) => likelihoodDerivatives(logits, targets, n, labels, kind, inverse);
  if (derivatives(1).slope === 0) return 1;
  if (derivatives(1 / leastTemperature).slope <= 0) return leastTemperature;
  if (derivatives(1 / greatestTemperature).slope >= 0) return greatestTemperature;
  let [low, high] = [-Math.log(greatestTemperature), -Math.log(leastTemperature)];
  let position = 0;
  for (let iteration = 0; iteration < 100; iteration++) {
    const { slope, curvature } = derivatives(Math.exp(position));
    if (slope > 0) high = position;
    else low = position;
    let next = position - slope / (curvature * Math.exp(position));
    if (!(next > low && next < high)) next = (low + high) / 2;
    if (Math.abs(next - position) < 1e-12) break;
    position = next;
  }
  return Math.exp(-position);
}

/** First and second derivative of the negative log-likelihood by the inverse temperature. */
function likelihoodDerivatives(
  logits: ArrayLike<number>,
  targets: ArrayLike<number>,
  n: number,
  labels: number,
  kind: Kind,
  inverse: number,
): { slope: number; curvature: number } {
  const row = new Float64Array(labels);
  let slope = 0;
  let curvature = 0;
  for (let document = 0; document < n; document++) {
    const offset = document * labels;
    probabilities(logits, offset, labels, kind, 1 / inverse, row);
    if (kind === 'multi') {
      for (let label = 0; label < labels; label++) {
        const logit = logits[offset + label]!;
        const probability = row[label]!;
        slope += logit * (probability - targets[offset + label]!);
        curvature += logit * logit * probability * (1 - probability);
      }
      continue;
    }
    let mean = 0;
    for (let label = 0; label < labels; label++) mean += row[label]! * logits[offset + label]!;
    // Both as deviations from the mean, so that logits that all share one large number lose no digits.
    for (let label = 0; label < labels; label++) {
      const deviation = logits[offset + label]! - mean;
      slope -= targets[offset + label]! * deviation;
      curvature += row[label]! * deviation * deviation;
    }
  }
  return { slope, curvature };
}

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
