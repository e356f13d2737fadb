import type { Goal } from '../goal.ts';
import { curvature, lossAndResiduals } from './loss.ts';
import type { Near, Space } from './space.ts';
import { addScaled, dot } from './vectors.ts';

export interface Solution {
  readonly space: Space;
  /** The optimum and the objective's gradient there as vectors of the space, to start from at another strength. */
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
const largeVector = 100_000;
/** The Wolfe conditions' constants for a quasi-Newton method (Nocedal & Wright 2006, p. 62). */
const sufficientDecrease = 1e-4;
const curvatureLeft = 0.9;

/** L-BFGS (Nocedal & Wright 2006, Algorithms 7.4 and 7.5) with a line search for the strong Wolfe conditions, in the space given. */
export async function minimize(goal: Goal, space: Space, settings: SolverSettings): Promise<Solution> {
  const objective = new Objective(goal, space, settings.strength);
  const { point, gradient, initialNorm } = await beginning(goal, space, objective, settings);

  const memory = point.length > largeVector ? memoryOfLargeVectors : usualMemory;
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
    const length = await objective.search(point, gradient, direction, steps.length > 0 ? 1 : null);
    if (length === 0) break;
    const step = steps.length < memory ? space.vector() : steps.shift()!;
    const change = changes.length < memory ? space.vector() : changes.shift()!;
    if (products.length === memory) products.shift();
    for (let index = 0; index < point.length; index++) {
      step[index] = length * direction[index]!;
      point[index]! += step[index]!;
      change[index] = -gradient[index]!;
    }
    await objective.gradient(point, gradient);
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
async function beginning(
  goal: Goal,
  space: Space,
  objective: Objective,
  { start, near, strength }: SolverSettings,
): Promise<{ point: Float64Array; gradient: Float64Array; initialNorm: number }> {
  const gradient = space.vector();
  if (start !== undefined) {
    const point = start.point.slice();
    await objective.moveTo(point);
    objective.gradientFrom(start, gradient);
    // At W = 0 the gradient is proportional to the strength.
    return { point, gradient, initialNorm: (start.initialNorm * strength) / start.strength };
  }
  const point = space.vector();
  space.intercepts(point).set(priorIntercepts(goal));
  await objective.moveTo(point);
  await objective.gradient(point, gradient);
  const initialNorm = Math.sqrt(space.inner(gradient, gradient));
  if (near !== undefined) {
    space.place(near, point);
    await objective.moveTo(point);
    await objective.gradient(point, gradient);
  }
  return { point, gradient, initialNorm };
}

class Objective {
  readonly #goal: Goal;
  readonly #space: Space;
  readonly #strength: number;
  /** Logits at the point, and weight · (probability − target) there. */
  #logits: Float64Array;
  readonly #residuals: Float64Array;
  #loss = 0;
  /** Scratch of `search`: logits further on, and how fast they change. */
  #ahead: Float64Array;
  readonly #slopes: Float64Array;

  constructor(goal: Goal, space: Space, strength: number) {
    this.#goal = goal;
    this.#space = space;
    this.#strength = strength;
    this.#logits = new Float64Array(space.size);
    this.#residuals = new Float64Array(space.size);
    this.#ahead = new Float64Array(space.size);
    this.#slopes = new Float64Array(space.size);
  }

  async moveTo(point: Float64Array): Promise<void> {
    await this.#space.logits(point, this.#logits);
    this.#loss = lossAndResiduals(this.#goal, this.#logits, this.#residuals);
  }

  /** Gradient at the point last moved to. */
  async gradient(point: Float64Array, out: Float64Array): Promise<void> {
    await this.#space.pullBack(this.#residuals, out);
    const penalised = out.length - this.#space.outputs;
    for (let index = 0; index < out.length; index++) {
      out[index] = (index < penalised ? point[index]! : 0) + this.#strength * out[index]!;
    }
  }

  /** Gradient at the optimum for another strength, from the one that is known there: only its part without the penalty changes. */
  gradientFrom({ point, gradient, strength }: Solution, out: Float64Array): void {
    const ratio = this.#strength / strength;
    const penalised = out.length - this.#space.outputs;
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
  async search(point: Float64Array, gradient: Float64Array, direction: Float64Array, first: number | null): Promise<number> {
    const space = this.#space;
    const slopes = this.#slopes;
    await space.logits(direction, slopes);
    const origin = this.#logits;
    const logits = this.#ahead;
    const pp = space.penalty(point, point);
    const pd = space.penalty(point, direction);
    const dd = space.penalty(direction, direction);
    const startValue = 0.5 * pp + this.#strength * this.#loss;
    const startSlope = space.inner(gradient, direction);
    let length = first ?? -startSlope / (dd + this.#strength * curvature(this.#goal, origin, slopes));
    let lower = 0;
    let upper = Infinity;
    for (let attempt = 0; attempt < 40 && startSlope < 0; attempt++) {
      for (let index = 0; index < logits.length; index++) logits[index] = origin[index]! + length * slopes[index]!;
      this.#loss = lossAndResiduals(this.#goal, logits, this.#residuals);
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
      const newton = length - slope / (dd + this.#strength * curvature(this.#goal, logits, slopes));
      const farthest = upper === Infinity ? 10 * length : upper;
      length = newton > lower && newton < farthest ? newton : upper === Infinity ? farthest : (lower + upper) / 2;
    }
    return 0;
  }
}

/** The last steps, what each changed in the gradient, and the inner products of the two. */
interface History {
  readonly steps: readonly Float64Array[];
  readonly changes: readonly Float64Array[];
  readonly products: readonly number[];
}

/** Algorithm 7.4: minus the approximate inverse Hessian times the gradient. */
function quasiNewtonDirection(space: Space, gradient: Float64Array, { steps, changes, products }: History, out: Float64Array): void {
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
function priorIntercepts({ link, outputs, targets, weights }: Goal): Float64Array {
  const positive = new Float64Array(outputs);
  const total = new Float64Array(outputs);
  for (let index = 0; index < targets.length; index++) {
    positive[index % outputs]! += weights[index]! * targets[index]!;
    total[index % outputs]! += weights[index]!;
  }
  return positive.map((sum, output) => Math.log(sum + 0.5) - (link === 'softmax' ? 0 : Math.log(total[output]! - sum + 0.5)));
}
