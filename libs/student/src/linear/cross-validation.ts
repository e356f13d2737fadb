import { decide, type LabelSet } from '@llambert/domain';
import { fitTemperature } from '@llambert/statistics';
import type { FeatureSet } from './features.ts';
import { type Goal, goalOfRows, type LabelledRow, pickRows } from './goal.ts';
import { labelLogits } from './label-outputs.ts';
import { lossAndResiduals } from './loss.ts';
import { columnScales, type FeatureCounts, multiply, weighted } from './matrix.ts';
import { type Solution, type SolverSettings, solve } from './solver.ts';
import type { Near } from './space.ts';

/** What cross-validation saw of one setting, on rows held out; weighted means over rows. */
export interface ValidatedSetting extends ValidatedStrength {
  readonly features: FeatureSet;
}

export interface ValidatedStrength {
  /** Inverse strength of the regularisation: ½‖W‖² + C · Σ weight · loss, with weights of mean 1. */
  readonly strength: number;
  readonly logLoss: number;
  /** Log-loss at the best temperature: what remains when the calibration that follows has done its work. */
  readonly calibratedLogLoss: number;
  readonly accuracy: number;
}

/** From weak weights to strong; each solution is where the next search starts. */
export const strengths = [0.3, 1, 3, 10, 30, 100, 300];
/** Enough where cells are many: the held-out loss is flat around its best. */
export const fewStrengths = [1, 10, 100, 300];
/** Looser than the final fit's: the order of the strengths needs no more, and half the time is saved. */
const tolerance = 1e-2;
/** Of a fit that no weaker one went before: at the looser tolerance its held-out loss is up to a sixth higher than theirs. */
export const finalTolerance = 1e-3;

/** The rows of each fold. Where the given numbers make fewer than two, rows are dealt out in turn. */
export function foldsOf(rows: readonly { readonly fold: number }[]): Int32Array[] {
  const byNumber = Map.groupBy(rows.keys(), (row) => rows[row]!.fold);
  const groups = byNumber.size >= 2 ? byNumber : Map.groupBy(rows.keys(), (row) => row % Math.min(5, rows.length));
  return [...groups].sort(([left], [right]) => left - right).map(([, group]) => Int32Array.from(group));
}

/** What models at one strength say of rows that they did not learn from. */
export interface HeldOut {
  readonly strength: number;
  /** [rows, outputs], filled in for the folds that were held out so far. */
  readonly logits: Float64Array;
  /** The rows' coefficients in the last model that learned from them, and the last intercepts: where the next model may start. */
  last: Near | null;
}

export function nothingHeldOut({ targets }: Goal, strength: number): HeldOut {
  return { strength, logits: new Float64Array(targets.length), last: null };
}

/**
 * Holds one fold out, at each strength: fits to the rows of the other folds, and fills in the logits of its rows. Document frequencies
 * are fitted to the other folds too. Each strength starts from the one before; a strength that stands alone from its last
 * model, if there was one.
 */
export async function holdOut(
  counts: FeatureCounts,
  goal: Goal,
  { fold, folds }: { fold: Int32Array; folds: readonly Int32Array[] },
  byStrength: readonly HeldOut[],
  pause: () => Promise<void>,
  onSolved: () => void,
): Promise<void> {
  const { outputs } = goal;
  const others = Int32Array.from(folds.flatMap((other) => (other === fold ? [] : [...other]))).sort();
  const scales = columnScales(counts, others);
  const regression = { ...goalOfRows(goal, others), rows: weighted(counts, others, scales) };
  const unseen = weighted(counts, fold, scales);
  const logits = new Float64Array(fold.length * outputs);
  let solution: Solution | null = null;
  for (const held of byStrength) {
    const { strength, last } = held;
    const near = byStrength.length === 1 &&
      last && { coefficients: pickRows(last.coefficients, others, outputs), intercepts: last.intercepts };
    const start: Partial<SolverSettings> = solution !== null ? { start: solution } : near ? { near, tolerance: finalTolerance } : {};
    solution = await solve(regression, { strength, tolerance, pause, ...start });
    multiply(unseen, solution.weights, outputs, logits);
    for (const [position, row] of fold.entries()) {
      for (let output = 0; output < outputs; output++) {
        held.logits[row * outputs + output] = logits[position * outputs + output]! + solution.intercepts[output]!;
      }
    }
    const coefficients = last?.coefficients ?? new Float64Array(goal.targets.length);
    for (const [position, row] of others.entries()) {
      coefficients.set(solution.point.subarray(position * outputs, (position + 1) * outputs), row * outputs);
    }
    held.last = { coefficients, intercepts: solution.intercepts };
    onSolved();
  }
}

/** How good a strength is on the rows that were held out so far. */
export function scoreOf(
  { strength, logits }: HeldOut,
  seen: Int32Array,
  goal: Goal,
  rows: readonly LabelledRow[],
  labels: LabelSet,
): ValidatedStrength {
  const seenRows = Array.from(seen, (row) => rows[row]!);
  return { strength, ...score(goalOfRows(goal, seen), pickRows(logits, seen, goal.outputs), seenRows, labels) };
}

/** How good logits [rows, outputs] are. */
export function score(
  goal: Goal,
  logits: Float64Array,
  rows: readonly LabelledRow[],
  labels: LabelSet,
): Omit<ValidatedStrength, 'strength'> {
  const byLabel = labelLogits(labels, logits);
  const count = labels.names.length;
  let agreed = 0;
  let total = 0;
  for (const [index, row] of rows.entries()) {
    const own = byLabel.subarray(index * count, (index + 1) * count);
    // A logit of at least 0 is a probability of at least one half, which is all that `decide` looks at for `multi`.
    const decided = decide(labels, labels.kind === 'multi' ? own.map((logit) => (logit >= 0 ? 1 : 0)) : own);
    total += row.weight;
    if (decided.join() === decide(labels, row.target).join()) agreed += row.weight;
  }
  const softmax = goal.link === 'softmax';
  const temperature = softmax
    ? fitTemperature(logits, goal.targets, rows.length, goal.outputs, 'single')
    : fitTemperature(logits, goal.targets, logits.length, 1, 'multi');
  let weight = 0;
  for (let cell = 0; cell < goal.weights.length; cell += softmax ? goal.outputs : 1) weight += goal.weights[cell]!;
  const meanLoss = (at: Float64Array) => lossAndResiduals(goal, at, new Float64Array(at.length)) / weight;
  return { logLoss: meanLoss(logits), calibratedLogLoss: meanLoss(logits.map((logit) => logit / temperature)), accuracy: agreed / total };
}
