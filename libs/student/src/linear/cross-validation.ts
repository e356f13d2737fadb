import { type Goal, goalOfRows, pickRows } from '../goal.ts';
import type { HeldOut, ValidatedStrength } from '../regression/held-out.ts';
import type { Solution, SolverSettings } from '../regression/solver.ts';
import type { FeatureSet } from './features.ts';
import { columnScales, type FeatureCounts, multiply, weighted } from './matrix.ts';
import { solve } from './regression.ts';

/** What cross-validation saw of one setting, on rows held out; weighted means over rows. */
export interface ValidatedSetting extends ValidatedStrength {
  readonly features: FeatureSet;
}

/** From weak weights to strong; each solution is where the next search starts. */
export const strengths = [0.3, 1, 3, 10, 30, 100, 300];
/** Enough where cells are many: the held-out loss is flat around its best. */
export const fewStrengths = [1, 10, 100, 300];
/** Looser than the final fit's: the order of the strengths needs no more, and half the time is saved. */
const tolerance = 1e-2;
/** Of a fit that no weaker one went before: at the looser tolerance its held-out loss is up to a sixth higher than theirs. */
export const finalTolerance = 1e-3;

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
