import type { Goal } from './goal.ts';
import { curvature, lossAndResiduals } from './loss.ts';
import { multiplyTransposed, type SparseRows } from './matrix.ts';
import { RowSpace } from './row-space.ts';

/**
 * L2-regularised logistic regression over sparse rows X [n, D] with K outputs:
 *
 *   minimise  ½‖W‖² + strength · Σ weight · loss(X W + b, target)      over W [D, K] and the unpenalised intercepts b [K].
 */
export interface Regression extends Goal {
  readonly rows: SparseRows;
}

export interface Solution {
  /** The optimum as the solver holds it, to start from at another strength: see `RowSpace`. */
  readonly point: Float64Array;
  /** W, [D, K]. */
  readonly weights: Float64Array;
  readonly intercepts: Float64Array;
  /** Norm of the objective's gradient over its norm at W = 0 with the best intercepts known then. */
  readonly gradientRatio: number;
}

export interface SolverSettings {
  readonly strength: number;
  /** Ends when the gradient's norm has shrunk by this factor. */
  readonly tolerance: number;
  /** The `point` of a solution of the same regression at another strength. */
  readonly start?: Float64Array;
  /** Called between iterations; what it throws ends the work. */
  readonly pause?: () => Promise<void>;
}

const mostIterations = 500;
/** Pairs of steps and gradient changes that L-BFGS remembers. */
const memory = 8;
/** The Wolfe conditions' constants for a quasi-Newton method (Nocedal & Wright 2006, p. 62). */
const sufficientDecrease = 1e-4;
const curvatureLeft = 0.9;

/**
 * L-BFGS (Nocedal & Wright 2006, Algorithms 7.4 and 7.5) with a line search for the strong Wolfe conditions, run in the space of
 * the rows. Every iterate is a sum of rows, W = Xᵀ A (the representer theorem), so W, steps and gradients are kept as A [n, K]
 * together with their image X Xᵀ A, which gives inner products and logits without touching the data. A step then costs one pass
 * over X and one over Xᵀ, whatever the line search does; memory is proportional to n K instead of D K, which for texts is many
 * times less; and the iterates are the same as in the space of W.
 */
export async function solve(regression: Regression, settings: SolverSettings): Promise<Solution> {
  const { rows, outputs } = regression;
  const space = new RowSpace(rows, outputs);
  const objective = new Objective(regression, space, settings.strength);
  const zero = space.vector();
  space.intercepts(zero).set(priorIntercepts(regression));
  const point = settings.start?.slice() ?? zero;
  const gradient = space.vector();
  objective.moveTo(zero);
  objective.gradient(zero, gradient);
  const initialNorm = Math.sqrt(space.inner(gradient, gradient));
  if (settings.start !== undefined) {
    objective.moveTo(point);
    objective.gradient(point, gradient);
  }

  const steps: Float64Array[] = [];
  const changes: Float64Array[] = [];
  const direction = space.vector();
  let iterations = 0;
  let norm = Math.sqrt(space.inner(gradient, gradient));
  while (norm > settings.tolerance * initialNorm && iterations < mostIterations) {
    await settings.pause?.();
    iterations++;
    quasiNewtonDirection(space, gradient, steps, changes, direction);
    const length = objective.search(point, gradient, direction, steps.length > 0 ? 1 : null);
    if (length === 0) break;
    const step = steps.length < memory ? space.vector() : steps.shift()!;
    const change = changes.length < memory ? space.vector() : changes.shift()!;
    for (let index = 0; index < point.length; index++) {
      step[index] = length * direction[index]!;
      point[index]! += step[index]!;
      change[index] = -gradient[index]!;
    }
    objective.gradient(point, gradient);
    addScaled(change, gradient, 1);
    if (space.inner(step, change) > 0) {
      steps.push(step);
      changes.push(change);
    }
    norm = Math.sqrt(space.inner(gradient, gradient));
  }

  const weights = new Float64Array(rows.width * outputs);
  multiplyTransposed(rows, space.coefficients(point), outputs, weights);
  return {
    point,
    weights,
    intercepts: space.intercepts(point).slice(),
    gradientRatio: initialNorm === 0 ? 0 : norm / initialNorm,
  };
}

class Objective {
  readonly #regression: Regression;
  readonly #space: RowSpace;
  readonly #strength: number;
  /** Logits at the point, and weight · (probability − target) there. */
  #logits: Float64Array;
  readonly #residuals: Float64Array;
  #loss = 0;

  constructor(regression: Regression, space: RowSpace, strength: number) {
    this.#regression = regression;
    this.#space = space;
    this.#strength = strength;
    this.#logits = new Float64Array(space.size);
    this.#residuals = new Float64Array(space.size);
  }

  moveTo(point: Float64Array): void {
    this.#logits = this.#logitsOf(point);
    this.#loss = lossAndResiduals(this.#regression, this.#logits, this.#residuals);
  }

  /** Gradient at the point last moved to. In the space of rows it is A + strength · residuals; its image costs the two passes. */
  gradient(point: Float64Array, out: Float64Array): void {
    const space = this.#space;
    const strength = this.#strength;
    space.applyGram(this.#residuals, space.image(out));
    const outputs = this.#regression.outputs;
    const intercepts = space.intercepts(out).fill(0);
    for (let index = 0; index < space.size; index++) {
      const residual = strength * this.#residuals[index]!;
      out[index] = point[index]! + residual;
      out[space.size + index] = point[space.size + index]! + strength * out[space.size + index]!;
      intercepts[index % outputs]! += residual;
    }
  }

  /**
   * A step length along a descent direction that meets the strong Wolfe conditions; the objective then stands at that point.
   * The objective is convex, so the derivative's sign says on which side of the minimum a length lies: Newton's step on the
   * derivative, bisection where it leaves the bracket. Returns 0 where rounding leaves nothing to gain.
   */
  search(point: Float64Array, gradient: Float64Array, direction: Float64Array, first: number | null): number {
    const space = this.#space;
    const slopes = this.#logitsOf(direction);
    const origin = this.#logits;
    const logits = new Float64Array(origin.length);
    const pp = this.#penalty(point, point);
    const pd = this.#penalty(point, direction);
    const dd = this.#penalty(direction, direction);
    const startValue = 0.5 * pp + this.#strength * this.#loss;
    const startSlope = space.inner(gradient, direction);
    let length = first ?? -startSlope / (dd + this.#strength * curvature(this.#regression, origin, slopes));
    let lower = 0;
    let upper = Infinity;
    for (let attempt = 0; attempt < 40 && startSlope < 0; attempt++) {
      for (let index = 0; index < logits.length; index++) logits[index] = origin[index]! + length * slopes[index]!;
      this.#loss = lossAndResiduals(this.#regression, logits, this.#residuals);
      const value = 0.5 * (pp + 2 * length * pd + length * length * dd) + this.#strength * this.#loss;
      const slope = pd + length * dd + this.#strength * dot(this.#residuals, slopes);
      // The last term forgives the rounding of two nearly equal values.
      const enough = value <= startValue + sufficientDecrease * length * startSlope + 1e-14 * Math.abs(startValue);
      if (enough && Math.abs(slope) <= -curvatureLeft * startSlope) {
        this.#logits = logits;
        return length;
      }
      if (enough && slope < 0) lower = length;
      else upper = length;
      const newton = length - slope / (dd + this.#strength * curvature(this.#regression, logits, slopes));
      const farthest = upper === Infinity ? 10 * length : upper;
      length = newton > lower && newton < farthest ? newton : upper === Infinity ? farthest : (lower + upper) / 2;
    }
    return 0;
  }

  /** Inner product of weights without intercepts, which are not penalised. */
  #penalty(left: Float64Array, right: Float64Array): number {
    return dot(this.#space.coefficients(left), this.#space.image(right));
  }

  #logitsOf(vector: Float64Array): Float64Array {
    const logits = this.#space.image(vector).slice();
    const intercepts = this.#space.intercepts(vector);
    for (let index = 0; index < logits.length; index++) logits[index]! += intercepts[index % intercepts.length]!;
    return logits;
  }
}

/** Algorithm 7.4: minus the approximate inverse Hessian times the gradient. */
function quasiNewtonDirection(
  space: RowSpace,
  gradient: Float64Array,
  steps: readonly Float64Array[],
  changes: readonly Float64Array[],
  out: Float64Array,
): void {
  for (let index = 0; index < out.length; index++) out[index] = -gradient[index]!;
  const last = steps.length - 1;
  const shares = new Float64Array(steps.length);
  for (let pair = last; pair >= 0; pair--) {
    shares[pair] = space.inner(steps[pair]!, out) / space.inner(steps[pair]!, changes[pair]!);
    addScaled(out, changes[pair]!, -shares[pair]!);
  }
  if (last >= 0) {
    const scale = space.inner(steps[last]!, changes[last]!) / space.inner(changes[last]!, changes[last]!);
    for (let index = 0; index < out.length; index++) out[index]! *= scale;
  }
  for (let pair = 0; pair <= last; pair++) {
    const share = space.inner(changes[pair]!, out) / space.inner(steps[pair]!, changes[pair]!);
    addScaled(out, steps[pair]!, shares[pair]! - share);
  }
}

/** The intercepts that predict each output's mean target (smoothed by half an example), where training starts. */
function priorIntercepts({ link, outputs, targets, weights }: Regression): Float64Array {
  const positive = new Float64Array(outputs);
  const total = new Float64Array(outputs);
  for (let index = 0; index < targets.length; index++) {
    positive[index % outputs]! += weights[index]! * targets[index]!;
    total[index % outputs]! += weights[index]!;
  }
  return positive.map((sum, output) => Math.log(sum + 0.5) - (link === 'softmax' ? 0 : Math.log(total[output]! - sum + 0.5)));
}

function addScaled(target: Float64Array, addend: Float64Array, scale: number): void {
  for (let index = 0; index < target.length; index++) target[index]! += scale * addend[index]!;
}

function dot(left: Float64Array, right: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < left.length; index++) sum += left[index]! * right[index]!;
  return sum;
}
