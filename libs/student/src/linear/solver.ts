import type { Goal } from './goal.ts';
import { curvature, lossAndResiduals } from './loss.ts';
import type { SparseRows } from './matrix.ts';
import { addScaled, dot, RowSpace } from './row-space.ts';

/**
 * L2-regularised logistic regression over sparse rows X [n, D] with K outputs:
 *
 *   minimise  ½‖W‖² + strength · Σ weight · loss(X W + b, target)      over W [D, K] and the unpenalised intercepts b [K].
 */
export interface Regression extends Goal {
  readonly rows: SparseRows;
}

export interface Solution {
  readonly space: RowSpace;
  /** The optimum and the objective's gradient there as the solver holds them, to start from at another strength: see `RowSpace`. */
  readonly point: Float64Array;
  readonly gradient: Float64Array;
  readonly strength: number;
  /** Norm of the gradient at W = 0 with the best intercepts known then. */
  readonly initialNorm: number;
  /** W, [D, K]. */
  readonly weights: Float64Array;
  readonly intercepts: Float64Array;
  /** Norm of the gradient over `initialNorm`. */
  readonly gradientRatio: number;
}

/** The point of a solution without what depends on the values of the rows. */
export interface Near {
  /** [n, K]: each row's part in W. */
  readonly coefficients: Float64Array;
  /** [K] */
  readonly intercepts: Float64Array;
}

export interface SolverSettings {
  readonly strength: number;
  /** Ends when the gradient's norm has shrunk by this factor. */
  readonly tolerance: number;
  /** A solution of the same regression at another strength. */
  readonly start?: Solution;
  /** Where else to start: what a solution of nearly the same regression had. */
  readonly near?: Near;
  /** Called between iterations; what it throws ends the work. */
  readonly pause?: () => Promise<void>;
}

const mostIterations = 500;
/** Pairs of steps and gradient changes that L-BFGS remembers; where vectors outgrow the cache, reading more pairs costs more than it saves. */
const usualMemory = 8;
const memoryOfLargeVectors = 4;
const largeVector = 50_000;
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
  const space = settings.start?.space ?? new RowSpace(rows, outputs);
  const objective = new Objective(regression, space, settings.strength);
  const { point, gradient, initialNorm } = beginning(regression, space, objective, settings);

  const memory = space.size > largeVector ? memoryOfLargeVectors : usualMemory;
  const steps: Float64Array[] = [];
  const changes: Float64Array[] = [];
  const products: number[] = [];
  const direction = space.vector();
  let iterations = 0;
  let norm = Math.sqrt(space.inner(gradient, gradient));
  while (norm > settings.tolerance * initialNorm && iterations < mostIterations) {
    await settings.pause?.();
    iterations++;
    quasiNewtonDirection(space, gradient, { steps, changes, products }, direction);
    const length = objective.search(point, gradient, direction, steps.length > 0 ? 1 : null);
    if (length === 0) break;
    const step = steps.length < memory ? space.vector() : steps.shift()!;
    const change = changes.length < memory ? space.vector() : changes.shift()!;
    if (products.length === memory) products.shift();
    for (let index = 0; index < point.length; index++) {
      step[index] = length * direction[index]!;
      point[index]! += step[index]!;
      change[index] = -gradient[index]!;
    }
    objective.gradient(point, gradient);
    addScaled(change, gradient, 1);
    const product = space.inner(step, change);
    if (product > 0) {
      steps.push(step);
      changes.push(change);
      products.push(product);
    }
    norm = Math.sqrt(space.inner(gradient, gradient));
  }

  return {
    space,
    point,
    gradient,
    strength: settings.strength,
    initialNorm,
    weights: space.weights(point),
    intercepts: space.intercepts(point).slice(),
    gradientRatio: initialNorm === 0 ? 0 : norm / initialNorm,
  };
}

/** Where to begin, the gradient there, and the norm of the gradient at W = 0. */
function beginning(
  regression: Regression,
  space: RowSpace,
  objective: Objective,
  { start, near, strength }: SolverSettings,
): { point: Float64Array; gradient: Float64Array; initialNorm: number } {
  const gradient = space.vector();
  if (start !== undefined) {
    const point = start.point.slice();
    objective.moveTo(point);
    objective.gradientFrom(start, gradient);
    // At W = 0 the gradient is proportional to the strength.
    return { point, gradient, initialNorm: (start.initialNorm * strength) / start.strength };
  }
  const point = space.vector();
  space.intercepts(point).set(priorIntercepts(regression));
  objective.moveTo(point);
  objective.gradient(point, gradient);
  const initialNorm = Math.sqrt(space.inner(gradient, gradient));
  if (near !== undefined) {
    space.coefficients(point).set(near.coefficients);
    space.applyGram(near.coefficients, space.image(point));
    space.intercepts(point).set(near.intercepts);
    objective.moveTo(point);
    objective.gradient(point, gradient);
  }
  return { point, gradient, initialNorm };
}

class Objective {
  readonly #regression: Regression;
  readonly #space: RowSpace;
  readonly #strength: number;
  /** Logits at the point, and weight · (probability − target) there. */
  #logits: Float64Array;
  readonly #residuals: Float64Array;
  #loss = 0;
  /** Scratch of `search`: logits further on, and how fast they change. */
  #ahead: Float64Array;
  readonly #slopes: Float64Array;

  constructor(regression: Regression, space: RowSpace, strength: number) {
    this.#regression = regression;
    this.#space = space;
    this.#strength = strength;
    this.#logits = new Float64Array(space.size);
    this.#residuals = new Float64Array(space.size);
    this.#ahead = new Float64Array(space.size);
    this.#slopes = new Float64Array(space.size);
  }

  moveTo(point: Float64Array): void {
    this.#space.logits(point, this.#logits);
    this.#loss = lossAndResiduals(this.#regression, this.#logits, this.#residuals);
  }

  /** Gradient at the point last moved to. In the space of rows it is A + strength · residuals; its image costs the two passes. */
  gradient(point: Float64Array, out: Float64Array): void {
    const { size, outputs } = this.#space;
    const strength = this.#strength;
    this.#space.applyGram(this.#residuals, this.#space.image(out));
    const intercepts = this.#space.intercepts(out).fill(0);
    for (let base = 0; base < size; base += outputs) {
      for (let output = 0; output < outputs; output++) {
        const index = base + output;
        const residual = strength * this.#residuals[index]!;
        out[index] = point[index]! + residual;
        out[size + index] = point[size + index]! + strength * out[size + index]!;
        intercepts[output]! += residual;
      }
    }
  }

  /** Gradient at the optimum for another strength, from the one that is known there: only its part without the penalty changes. */
  gradientFrom({ point, gradient, strength }: Solution, out: Float64Array): void {
    const ratio = this.#strength / strength;
    const penalised = 2 * this.#space.size;
    for (let index = 0; index < out.length; index++) {
      const penalty = index < penalised ? point[index]! : 0;
      out[index] = penalty + ratio * (gradient[index]! - penalty);
    }
  }

  /**
   * A step length along a descent direction that meets the strong Wolfe conditions; the objective then stands at that point.
   * The objective is convex, so the derivative's sign says on which side of the minimum a length lies: Newton's step on the
   * derivative, bisection where it leaves the bracket. Returns 0 where rounding leaves nothing to gain.
   */
  search(point: Float64Array, gradient: Float64Array, direction: Float64Array, first: number | null): number {
    const space = this.#space;
    const slopes = this.#slopes;
    space.logits(direction, slopes);
    const origin = this.#logits;
    const logits = this.#ahead;
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
        this.#ahead = origin;
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
}

/** The last steps, what each changed in the gradient, and the inner products of the two. */
interface History {
  readonly steps: readonly Float64Array[];
  readonly changes: readonly Float64Array[];
  readonly products: readonly number[];
}

/** Algorithm 7.4: minus the approximate inverse Hessian times the gradient. */
function quasiNewtonDirection(space: RowSpace, gradient: Float64Array, { steps, changes, products }: History, out: Float64Array): void {
  for (let index = 0; index < out.length; index++) out[index] = -gradient[index]!;
  const last = steps.length - 1;
  const shares = new Float64Array(steps.length);
  for (let pair = last; pair >= 0; pair--) {
    shares[pair] = space.inner(steps[pair]!, out) / products[pair]!;
    addScaled(out, changes[pair]!, -shares[pair]!);
  }
  if (last >= 0) {
    const scale = products[last]! / space.inner(changes[last]!, changes[last]!);
    for (let index = 0; index < out.length; index++) out[index]! *= scale;
  }
  for (let pair = 0; pair <= last; pair++) {
    const share = space.inner(changes[pair]!, out) / products[pair]!;
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
