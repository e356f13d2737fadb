import type { Goal } from '../goal.ts';
import { minimize, type Solution, type SolverSettings } from '../regression/solver.ts';
import type { SparseRows } from './matrix.ts';
import { RowSpace } from './row-space.ts';

/**
 * L2-regularised logistic regression over sparse rows X [n, D] with K outputs:
 *
 *   minimise  ½‖W‖² + strength · Σ weight · loss(X W + b, target)      over W [D, K] and the unpenalised intercepts b [K].
 */
export interface Regression extends Goal {
  readonly rows: SparseRows;
}

/**
 * Solves a regression over sparse rows in the space of the rows. Every iterate is a sum of rows, W = Xᵀ A (the representer theorem), so W, steps and gradients are kept as A [n, K]
 * together with their image X Xᵀ A, which gives inner products and logits without touching the data. A step then costs one pass
 * over X and one over Xᵀ, whatever the line search does; memory is proportional to n K instead of D K, which for texts is many
 * times less; and the iterates are the same as in the space of W.
 */
export function solve(regression: Regression, settings: SolverSettings): Promise<Solution> {
  return minimize(regression, settings.start?.space ?? new RowSpace(regression.rows, regression.outputs), settings);
}
