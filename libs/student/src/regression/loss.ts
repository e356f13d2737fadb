import type { Goal } from '../goal.ts';

/** Σ weight · loss at the logits, and weight · (probability − target) into `residuals`. */
export function lossAndResiduals({ link, outputs, targets, weights }: Goal, logits: Float64Array, residuals: Float64Array): number {
  let loss = 0;
  if (link === 'logistic') {
    for (let index = 0; index < logits.length; index++) {
      const logit = logits[index]!;
      // ln(1 + e^z) and the sigmoid without overflow.
      const small = Math.exp(-Math.abs(logit));
      const probability = logit >= 0 ? 1 / (1 + small) : small / (1 + small);
      loss += weights[index]! * (Math.max(logit, 0) + Math.log1p(small) - targets[index]! * logit);
      residuals[index] = weights[index]! * (probability - targets[index]!);
    }
    return loss;
  }
  for (let base = 0; base < logits.length; base += outputs) {
    let highest = -Infinity;
    for (let index = base; index < base + outputs; index++) highest = Math.max(highest, logits[index]!);
    let sum = 0;
    for (let index = base; index < base + outputs; index++) sum += residuals[index] = Math.exp(logits[index]! - highest);
    const logSum = highest + Math.log(sum);
    const weight = weights[base]!;
    for (let index = base; index < base + outputs; index++) {
      const target = targets[index]!;
      if (target !== 0) loss += weight * target * (logSum - logits[index]!);
      residuals[index] = weight * (residuals[index]! / sum - target);
    }
  }
  return loss;
}

/** Second derivative of Σ weight · loss along `slopes`. */
export function curvature({ link, outputs, weights }: Goal, logits: Float64Array, slopes: Float64Array): number {
  let total = 0;
  for (let base = 0; base < logits.length; base += outputs) {
    if (link === 'logistic') {
      for (let index = base; index < base + outputs; index++) {
        const small = Math.exp(-Math.abs(logits[index]!));
        total += (weights[index]! * small * slopes[index]! ** 2) / (1 + small) ** 2;
      }
      continue;
    }
    let highest = -Infinity;
    for (let index = base; index < base + outputs; index++) highest = Math.max(highest, logits[index]!);
    let sum = 0;
    let mean = 0;
    let square = 0;
    for (let index = base; index < base + outputs; index++) {
      const share = Math.exp(logits[index]! - highest);
      sum += share;
      mean += share * slopes[index]!;
      square += share * slopes[index]! ** 2;
    }
    total += weights[base]! * (square / sum - (mean / sum) ** 2);
  }
  return total;
}
