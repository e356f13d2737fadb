import { add, exp, logSoftmax, multiply, scale, softplus, sumAlong } from '../autodiff/operations.ts';
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

/** The loss of each text, [texts, 1], from logits and targets [texts, labels]; targets may be distributions (soft labels). */
export function lossOfTexts(tape: Tape, logits: Value, targets: Value, { kind, noiseRobustness: q }: LossSettings): Value {
  const logLikelihoods = kind === 'single' ? logSoftmax(tape, logits) : logisticLogLikelihoods(tape, logits, targets);
  if (kind === 'multi') return scale(tape, sumAlong(tape, logLikelihoods, 1), -1 / (logits.shape[1] as number));
  if (q === null) return scale(tape, sumAlong(tape, multiply(tape, logLikelihoods, targets), 1), -1);
  // Σ t (1 − pᵠ)/q = (Σ t)/q − Σ t pᵠ/q; targets sum to 1.
  const powers = exp(tape, scale(tape, logLikelihoods, q));
  const reached = scale(tape, sumAlong(tape, multiply(tape, powers, targets), 1), -1 / q);
  return add(tape, reached, tape.scalar(1 / q));
}

/** t·log σ(z) + (1 − t)·log(1 − σ(z)) = t·z − ln(1 + eᶻ). */
function logisticLogLikelihoods(tape: Tape, logits: Value, targets: Value): Value {
  return add(tape, multiply(tape, logits, targets), scale(tape, softplus(tape, logits), -1));
}
