import type { LabelSet } from '@llambert/domain';
import type { Goal } from '../goal.ts';
import { labelLogits } from '../label-outputs.ts';
import { foldsOf, type HeldOut, nothingHeldOut, scoreOf, type ValidatedStrength } from '../regression/held-out.ts';
import { minimize, type Solution, type SolverSettings } from '../regression/solver.ts';
import type { Space } from '../regression/space.ts';
import type { LabelledRow } from '../rows.ts';
import { type DenseRows, openWeightSpace } from './weight-space.ts';

/** A linear layer from a text's vector to logits, as a released encoder has it. */
export interface Head {
  /** [labels, width] */
  readonly weight: Float32Array;
  /** [labels] */
  readonly bias: Float32Array;
}

/** The layer's logits of vectors [texts, width], [texts, labels]. */
export function logitsOf({ weight, bias }: Head, vectors: Float32Array): Float32Array {
  const labels = bias.length;
  const width = weight.length / labels;
  const logits = new Float32Array((vectors.length / width) * labels);
  for (let cell = 0; cell < logits.length; cell++) {
    const label = cell % labels;
    const from = ((cell - label) / labels) * width;
    let sum = bias[label]!;
    for (let column = 0; column < width; column++) sum += vectors[from + column]! * weight[label * width + column]!;
    logits[cell] = sum;
  }
  return logits;
}

export interface FittedHead {
  readonly head: Head;
  /** Logits of every row by the head that did not learn from its fold, at the chosen strength, [rows, labels]. */
  readonly outOfFold: Float32Array;
  readonly folds: number;
  readonly chosen: ValidatedStrength;
}

export interface HeadInput {
  /** A vector for each of the rows. */
  readonly embeddings: DenseRows;
  readonly rows: readonly (LabelledRow & { readonly fold: number })[];
  readonly labels: LabelSet;
  readonly goal: Goal;
  readonly threads: number;
  /** Share of the work that is done, in [0, 1]. */
  readonly onProgress?: (share: number) => void;
}

/** From weak weights to strong; each solution is where the next search starts. */
const strengths = [0.1, 0.3, 1, 3, 10, 30, 100, 300];
/** Looser than the final fit's: enough for the order of the strengths. */
const tolerance = 1e-2;
/** Of a fit that no weaker one went before. At a third of it accuracy is the same, and the time a quarter longer. */
const finalTolerance = 3e-3;
/** A column that varies less than this beside its mean does so by rounding. */
const float32Noise = 1e-5;
/** With more cells (rows × outputs) than this one fold chooses the strength, and the others are held out at the chosen one alone. */
const mostCellsToTryAll = 100_000;

/**
 * Fits the linear layer by logistic regression with L2, multinomial (`single`) or one-vs-rest (`multi`), on standardized embeddings.
 * Cross-validation over the rows' folds chooses the strength by held-out log-loss after the best temperature; the layer is then fitted to all
 * rows. Mean and deviation are taken into the layer, which reads embeddings as they are. Equal input gives an equal result.
 */
export async function fitHead({ embeddings, rows, labels, goal, threads, onProgress }: HeadInput): Promise<FittedHead> {
  const { standard, means, scales } = standardized(embeddings);
  const space = await openWeightSpace(standard, goal.outputs, { threads });
  try {
    const folds = foldsOf(rows);
    const choosing = goal.targets.length > mostCellsToTryAll ? folds.slice(0, 1) : folds;
    const solves = choosing.length * strengths.length + (folds.length - choosing.length) + 1;
    let solved = 0;
    // A fit never starts from one that learned from the rows it holds out: stopped early, it would remember them.
    const fit = async (own: Goal, settings: SolverSettings) => {
      const solution = await minimize(own, space, settings);
      onProgress?.(++solved / solves);
      return solution;
    };

    const byStrength = strengths.map((strength) => nothingHeldOut(goal, strength));
    for (const fold of choosing) {
      const others = without(goal, fold);
      let solution: Solution | undefined;
      for (const held of byStrength) {
        const start = solution === undefined ? {} : { start: solution };
        solution = await fit(others, { strength: held.strength, tolerance, ...start });
        await fillIn(held, fold, space, solution);
      }
    }
    const seen = Int32Array.from(choosing.flatMap((fold) => [...fold])).sort();
    const tried = byStrength.map((held) => scoreOf(held, seen, goal, rows, labels));
    const best = tried.reduce((left, right) => (right.calibratedLogLoss < left.calibratedLogLoss ? right : left));
    const held = byStrength[tried.indexOf(best)]!;
    const exactly = { strength: best.strength, tolerance: finalTolerance };
    for (const fold of folds.slice(choosing.length)) await fillIn(held, fold, space, await fit(without(goal, fold), exactly));
    const { weights, intercepts } = await fit(goal, { ...exactly, near: held.last! });
    const all = Int32Array.from(rows.keys());
    return {
      head: headOf(labelLogits(labels, weights), labelLogits(labels, intercepts), means, scales),
      outOfFold: labelLogits(labels, held.logits),
      folds: folds.length,
      chosen: scoreOf(held, all, goal, rows, labels),
    };
  } finally {
    await space.close();
  }
}

/** The goal without some rows: what weighs nothing is not learned from, and all folds share one space. */
function without(goal: Goal, rows: Int32Array): Goal {
  const weights = goal.weights.slice();
  for (const row of rows) weights.fill(0, row * goal.outputs, (row + 1) * goal.outputs);
  return { ...goal, weights };
}

/** Fills in the logits of the rows held out. */
async function fillIn(held: HeldOut, rows: Int32Array, space: Space, { point, weights, intercepts }: Solution): Promise<void> {
  const all = new Float64Array(space.size);
  await space.logits(point, all);
  for (const row of rows) {
    const begin = row * space.outputs;
    held.logits.set(all.subarray(begin, begin + space.outputs), begin);
  }
  held.last = { coefficients: weights, intercepts };
}

/** Each column less its mean, over its deviation and the root of the width: rows are then about as long as 1, and strengths mean the same at every width. */
function standardized({ values, width }: DenseRows): { standard: DenseRows; means: Float64Array; scales: Float64Array } {
  const count = values.length / width;
  const means = new Float64Array(width);
  for (let at = 0; at < values.length; at++) means[at % width]! += values[at]! / count;
  const squares = new Float64Array(width);
  for (let at = 0; at < values.length; at++) squares[at % width]! += (values[at]! - means[at % width]!) ** 2;
  const scales = squares.map((square, column) => {
    const deviation = Math.sqrt(square / count);
    return deviation <= float32Noise * Math.abs(means[column]!) ? 0 : 1 / (deviation * Math.sqrt(width));
  });
  const standard = values.map((value, at) => (value - means[at % width]!) * scales[at % width]!);
  return { standard: { values: standard, width }, means, scales };
}

/** The layer for embeddings as they are: W scaled, and b less what the means weigh. */
function headOf(weights: Float32Array, intercepts: Float32Array, means: Float64Array, scales: Float64Array): Head {
  const labels = intercepts.length;
  const weight = new Float32Array(weights.length);
  const bias = new Float64Array(intercepts);
  for (const [column, scale] of scales.entries()) {
    for (let label = 0; label < labels; label++) {
      const own = Math.fround(weights[column * labels + label]! * scale);
      weight[label * scales.length + column] = own;
      bias[label]! -= own * means[column]!;
    }
  }
  return { weight, bias: Float32Array.from(bias) };
}
