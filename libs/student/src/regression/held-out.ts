import { decide, type LabelSet } from '@llambert/domain';
import { fitTemperature } from '@llambert/statistics';
import { type Goal, goalOfRows, pickRows } from '../goal.ts';
import { labelLogits } from '../label-outputs.ts';
import type { LabelledRow } from '../rows.ts';
import { lossAndResiduals } from './loss.ts';
import type { Near } from './space.ts';

/** What cross-validation saw of one strength, on rows held out; weighted means over rows. */
export interface ValidatedStrength {
  /** Inverse strength of the regularisation: ½‖W‖² + C · Σ weight · loss, with weights of mean 1. */
  readonly strength: number;
  readonly logLoss: number;
  /** Log-loss at the best temperature: what remains when the calibration that follows has done its work. */
  readonly calibratedLogLoss: number;
  readonly accuracy: number;
}

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
