import { type CalibrationMap, calibratedLogits, type Kind, toProbabilities } from './calibration.ts';

/** Half of it weighs each squared step away from the temperature, against the sum of the documents' log-losses. */
const pull = 10;
/** The objective bends by at least `pull` in every direction, so where it is this near to flat the minimum is within 1e-8. */
const flat = pull * 1e-8;
const mostSteps = 100;
/** How much of the gradient a Newton step may leave unanswered: little enough for few steps, much enough for few products. */
const forcing = 0.1;

/**
 * Vector scaling: a scale and a bias for each label's logit that minimise the log-loss of held-out targets (Guo et al. 2017, arXiv 1706.04599,
 * section 4.2). For `multi` the labels are independent: Platt scaling of each (Platt 1999).
 *
 * With u the logits at the temperature T it looks for (1 + a)·u + b and minimises Σ log-loss + pull/2 · (|a|² + |b|²): few documents leave a
 * label where the temperature put it, many overrule that. Kull et al. (2019, arXiv 1910.12656) penalise biases and what is off their matrix's
 * diagonal for the same reason (ODIR); here nothing is off it, so what sets labels apart on the diagonal is penalised. In other words a normal prior: scales
 * within a third of the temperature's and biases within a third of a logit, until the data say otherwise.
 *
 * The objective is convex. Newton steps, each solved by conjugate gradients without writing the Hessian down, halved until the gradient
 * gets shorter (Eisenstat & Walker 1994, "Globally convergent inexact Newton methods").
 *
 * @param logits [n, labels] row by row.
 * @param targets [n, labels], distributions: hard or soft.
 * @param temperature above 0, as fitted to the same documents.
 * @param keeps whether a label keeps the temperature, and no bias; none does by default.
 */
export function fitVectorScaling(
  logits: ArrayLike<number>,
  targets: ArrayLike<number>,
  n: number,
  labels: number,
  kind: Kind,
  temperature: number,
  keeps: (label: number) => boolean = () => false,
): Extract<CalibrationMap, { method: 'vector' }> {
  const scaled = new Float64Array(n * labels);
  const start = { method: 'temperature', temperature } as const;
  const row = new Float64Array(labels);
  for (let at = 0; at < scaled.length; at += labels) {
    calibratedLogits(logits, at, labels, kind, start, row);
    scaled.set(row, at);
  }
  const kept = Array.from({ length: labels }, (_, label) => label).filter(keeps);
  const documents = { logits: scaled, targets, labels, kind, kept };

  let point: Float64Array = new Float64Array(2 * labels);
  let here = look(documents, point);
  for (let step = 0; step < mostSteps && norm(here.gradient) > flat; step++) {
    const direction = newtonDirection(documents, here);
    let length = 1;
    let next = moved(point, direction, length);
    let there = look(documents, next);
    while (norm(there.gradient) > (1 - 1e-4 * length) * norm(here.gradient) && length > 1e-6) {
      length /= 2;
      next = moved(point, direction, length);
      there = look(documents, next);
    }
    // What is left is rounding.
    if (norm(there.gradient) >= norm(here.gradient)) break;
    [point, here] = [next, there];
  }
  return {
    method: 'vector',
    scales: Array.from(point.subarray(0, labels), (step) => (1 + step) / temperature),
    biases: Array.from(point.subarray(labels)),
  };
}

interface Documents {
  /** At the temperature, [n, labels]. */
  readonly logits: Float64Array;
  readonly targets: ArrayLike<number>;
  readonly labels: number;
  readonly kind: Kind;
  /** Labels that keep the temperature: nothing slopes or bends in their directions. */
  readonly kept: readonly number[];
}

interface Look {
  /** Of the objective: by the scales' steps, then by the biases, as a point is. */
  readonly gradient: Float64Array;
  /** [n, labels] */
  readonly probabilities: Float64Array;
}

function look({ logits, targets, labels, kind, kept }: Documents, point: Float64Array): Look {
  const gradient = point.map((step) => pull * step);
  const probabilities = new Float64Array(logits.length);
  const own = new Float64Array(labels);
  for (let at = 0; at < logits.length; at += labels) {
    for (let label = 0; label < labels; label++) own[label] = (1 + point[label]!) * logits[at + label]! + point[labels + label]!;
    toProbabilities(own, kind);
    probabilities.set(own, at);
    for (let label = 0; label < labels; label++) {
      const residual = own[label]! - targets[at + label]!;
      gradient[label]! += residual * logits[at + label]!;
      gradient[labels + label]! += residual;
    }
  }
  for (const label of kept) gradient[label] = gradient[labels + label] = 0;
  return { gradient, probabilities };
}

/** Solves Hessian · direction = -gradient by conjugate gradients, preconditioned by the Hessian's diagonal. */
function newtonDirection(documents: Documents, { gradient, probabilities }: Look): Float64Array {
  const diagonal = curvatures(documents, probabilities);
  const enough = Math.min(forcing, Math.sqrt(norm(gradient))) * norm(gradient);
  const direction = new Float64Array(gradient.length);
  const residual = gradient.map((slope) => -slope);
  let search = residual.map((value, at) => value / diagonal[at]!);
  let strength = dot(residual, search);
  for (let iteration = 0; iteration < 2 * gradient.length && norm(residual) > enough; iteration++) {
    const bent = hessianTimes(documents, probabilities, search);
    const length = strength / dot(search, bent);
    for (let at = 0; at < direction.length; at++) {
      direction[at]! += length * search[at]!;
      residual[at]! -= length * bent[at]!;
    }
    const conditioned = residual.map((value, at) => value / diagonal[at]!);
    const next = dot(residual, conditioned);
    const before = search;
    search = conditioned.map((value, at) => value + (next / strength) * before[at]!);
    strength = next;
  }
  return direction;
}

function curvatures({ logits, labels }: Documents, probabilities: Float64Array): Float64Array {
  const diagonal = new Float64Array(2 * labels).fill(pull);
  for (let at = 0; at < logits.length; at++) {
    const label = at % labels;
    const spread = probabilities[at]! * (1 - probabilities[at]!);
    diagonal[label]! += spread * logits[at]! ** 2;
    diagonal[labels + label]! += spread;
  }
  return diagonal;
}

function hessianTimes({ logits, labels, kind, kept }: Documents, probabilities: Float64Array, vector: Float64Array): Float64Array {
  const product = vector.map((value) => pull * value);
  const change = new Float64Array(labels);
  for (let at = 0; at < logits.length; at += labels) {
    let shared = 0;
    for (let label = 0; label < labels; label++) {
      change[label] = vector[label]! * logits[at + label]! + vector[labels + label]!;
      shared += probabilities[at + label]! * change[label]!;
    }
    for (let label = 0; label < labels; label++) {
      const probability = probabilities[at + label]!;
      const bent = kind === 'single' ? probability * (change[label]! - shared) : probability * (1 - probability) * change[label]!;
      product[label]! += bent * logits[at + label]!;
      product[labels + label]! += bent;
    }
  }
  for (const label of kept) product[label] = product[labels + label] = 0;
  return product;
}

function moved(point: Float64Array, direction: Float64Array, length: number): Float64Array {
  return point.map((value, at) => value + length * direction[at]!);
}

function norm(vector: Float64Array): number {
  return Math.sqrt(dot(vector, vector));
}

function dot(left: Float64Array, right: Float64Array): number {
  let sum = 0;
  for (let at = 0; at < left.length; at++) sum += left[at]! * right[at]!;
  return sum;
}
