/** `single`: one softmax over the labels; `multi`: a sigmoid for each. */
export type Kind = 'single' | 'multi';

const leastTemperature = 0.05;
const greatestTemperature = 20;

/**
 * From a student's logits z to calibrated ones. `temperature`: z / temperature. `vector` (Guo et al. 2017, arXiv 1706.04599, section 4.2): a
 * scale and a bias for each label; for `multi` that is Platt scaling of each label (Platt 1999, "Probabilistic outputs for support vector
 * machines"). It may change which label is the most probable.
 */
export type CalibrationMap =
  | { readonly method: 'temperature'; readonly temperature: number }
  | { readonly method: 'vector'; readonly scales: readonly number[]; readonly biases: readonly number[] };

/**
 * Calibrated probabilities of one document: softmax (`single`) or sigmoid (`multi`) of its calibrated logits. The one place that applies a
 * calibration. What all logits of a `single` document share counts for nothing, under either method.
 *
 * @param logits [documents, labels] row by row; `offset` is where the document's row begins.
 * @param out where to put them, [labels]; a new array by default.
 */
export function probabilities(
  logits: ArrayLike<number>,
  offset: number,
  labels: number,
  kind: Kind,
  calibration: CalibrationMap,
  out: Float64Array = new Float64Array(labels),
): Float64Array {
  calibratedLogits(logits, offset, labels, kind, calibration, out);
  toProbabilities(out, kind);
  return out;
}

/** Puts softmax (`single`) or sigmoids (`multi`) of one document's logits in their place. */
export function toProbabilities(logits: Float64Array, kind: Kind): void {
  if (kind === 'multi') {
    for (let label = 0; label < logits.length; label++) logits[label] = 1 / (1 + Math.exp(-logits[label]!));
    return;
  }
  let greatest = Number.NEGATIVE_INFINITY;
  for (let label = 0; label < logits.length; label++) greatest = Math.max(greatest, logits[label]!);
  let sum = 0;
  for (let label = 0; label < logits.length; label++) sum += logits[label] = Math.exp(logits[label]! - greatest);
  for (let label = 0; label < logits.length; label++) logits[label]! /= sum;
}

/** Calibrated logits of one document, as `probabilities` takes them; those of `single` up to a number that all of them share. */
export function calibratedLogits(
  logits: ArrayLike<number>,
  offset: number,
  labels: number,
  kind: Kind,
  calibration: CalibrationMap,
  out: Float64Array,
): void {
  // Scales of their own would turn what the labels share into differences, so it goes before they are applied.
  const shared = kind === 'single' ? mean(logits, offset, labels) : 0;
  for (let label = 0; label < labels; label++) {
    const own = logits[offset + label]! - shared;
    out[label] =
      calibration.method === 'temperature' ? own / calibration.temperature : calibration.scales[label]! * own + calibration.biases[label]!;
  }
}

function mean(values: ArrayLike<number>, offset: number, count: number): number {
  let sum = 0;
  for (let index = 0; index < count; index++) sum += values[offset + index]! / count;
  return sum;
}

/**
 * Targets that allow for a mistake in so few documents (Platt 1999, section 2.2: (n + 1)/(n + 2) in the place of 1): without them the best
 * temperature of documents that are all told apart is the lowest there is, and every probability 1.
 *
 * @param targets [n, labels], distributions.
 */
export function smoothed(targets: ArrayLike<number>, n: number, labels: number, kind: Kind): Float64Array {
  const share = 2 / (n + 2);
  const ways = kind === 'single' ? labels : 2;
  const found = new Float64Array(targets.length);
  for (let at = 0; at < found.length; at++) found[at] = targets[at]! * (1 - share) + share / ways;
  return found;
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

/**
 * The calibration by one temperature for held-out targets, which are smoothed first.
 * @param logits [n, labels] row by row, as `targets`, which are distributions
 */
export function temperatureCalibration(
  logits: ArrayLike<number>,
  targets: ArrayLike<number>,
  labels: number,
  kind: Kind,
): Extract<CalibrationMap, { method: 'temperature' }> {
  const n = targets.length / labels;
  return { method: 'temperature', temperature: fitTemperature(logits, smoothed(targets, n, labels, kind), n, labels, kind) };
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
  const calibration = { method: 'temperature', temperature: 1 / inverse } as const;
  let slope = 0;
  let curvature = 0;
  for (let document = 0; document < n; document++) {
    const offset = document * labels;
    probabilities(logits, offset, labels, kind, calibration, row);
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
