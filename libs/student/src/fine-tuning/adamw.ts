/** Constants of AdamW that nobody changes, as in PyTorch. */
const beta1 = 0.9;
const beta2 = 0.999;
const epsilon = 1e-8;

/** What one parameter's update goes by. */
export interface UpdateSettings {
  readonly learningRate: number;
  /** Share of the weights that goes, times the learning rate, at each step. */
  readonly weightDecay: number;
  /** Number of this update, from 1: early moments are corrected by it. */
  readonly step: number;
  /** What the gradient is multiplied by first: the clipping. */
  readonly gradientScale: number;
}

/** Running means of a parameter's gradient and of its square. */
export interface Moments {
  readonly first: Float32Array;
  readonly second: Float32Array;
}

export function zeroMoments(length: number): Moments {
  return { first: new Float32Array(length), second: new Float32Array(length) };
}

/**
 * One update of AdamW, in place, of the elements from `start` to `end`: Adam (Kingma & Ba 2015, algorithm 1) with decay apart from the
 * gradient (Loshchilov & Hutter 2019, "Decoupled Weight Decay Regularization", algorithm 2), in PyTorch's order of operations.
 * `gradient` holds those elements only.
 */
export function adamW(
  weights: Float32Array,
  gradient: Float32Array,
  { first, second }: Moments,
  { learningRate, weightDecay, step, gradientScale }: UpdateSettings,
  start = 0,
  end = weights.length,
): void {
  const kept = 1 - learningRate * weightDecay;
  const stepSize = learningRate / (1 - beta1 ** step);
  const correction = 1 / Math.sqrt(1 - beta2 ** step);
  for (let at = start, from = 0; at < end; at++, from++) {
    const slope = gradient[from]! * gradientScale;
    const mean = first[at]! + (1 - beta1) * (slope - first[at]!);
    const square = beta2 * second[at]! + (1 - beta2) * slope * slope;
    first[at] = mean;
    second[at] = square;
    weights[at] = weights[at]! * kept - (stepSize * mean) / (Math.sqrt(square) * correction + epsilon);
  }
}

/** Σ x², added up in double precision. */
export function squaredNorm(values: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < values.length; at++) sum += values[at]! * values[at]!;
  return sum;
}

/** The learning rate's share at a step from 0: up in a line over the warm-up, then down in a line to 0 (as Devlin et al. 2019). */
export function warmupThenLinear(step: number, steps: number, warmupSteps: number): number {
  if (step < warmupSteps) return (step + 1) / warmupSteps;
  return (steps - step) / Math.max(1, steps - warmupSteps);
}
