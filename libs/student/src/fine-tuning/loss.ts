import { add, exp, logSoftmax, multiply, scale, softplus } from '../autodiff/operations.ts';
import type { Tape } from '../autodiff/tape.ts';
import type { Value } from '../onnx/graph.ts';

/** What a wrong answer costs. */
export interface LossSettings {
  /** `single`: softmax over exclusive labels. `multi`: a logistic function for each label. */
  readonly kind: 'single' | 'multi';
  /**
   * q of the generalized cross entropy (1 − pᵠ)/q (Zhang & Sabuncu 2018, "Generalized Cross Entropy Loss for Training Deep Neural Networks
   * with Noisy Labels"), in (0, 1]: the larger, the less wrong labels pull; null: cross entropy, its limit at 0.
   */
  readonly noiseRobustness: number | null;
}

/**
 * What each label of each text costs, [texts, labels], from logits and targets [texts, labels]; targets may be distributions (soft
 * labels). A text's loss is the sum over labels.
 */
export function losses(tape: Tape, logits: Value, targets: Value, { kind, noiseRobustness }: LossSettings): Value {
  const labels = logits.shape[1] as number;
  if (kind === 'multi') {
    return scale(tape, costs(tape, logisticLogLikelihoods(tape, logits, targets), noiseRobustness), 1 / labels);
  }
  return multiply(tape, costs(tape, logSoftmax(tape, logits), noiseRobustness), targets);
}

/** −ln p, or (1 − pᵠ)/q, element by element. */
function costs(tape: Tape, logLikelihoods: Value, q: number | null): Value {
  if (q === null) return scale(tape, logLikelihoods, -1);
  const powers = exp(tape, scale(tape, logLikelihoods, q));
  return add(tape, scale(tape, powers, -1 / q), tape.scalar(1 / q));
}

/** t·log σ(z) + (1 − t)·log(1 − σ(z)) = t·z − ln(1 + eᶻ): the logarithm of the likelihood of each label's being there or not. */
function logisticLogLikelihoods(tape: Tape, logits: Value, targets: Value): Value {
  return add(tape, multiply(tape, logits, targets), scale(tape, softplus(tape, logits), -1));
}
