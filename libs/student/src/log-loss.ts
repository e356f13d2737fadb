/** Mean cross entropy by weight. Fine-tuning's loss is this one, but for its noise-robust form. */
export function logLoss(
  logits: Float32Array,
  texts: readonly { readonly target: readonly number[]; readonly weights: readonly number[] }[],
  kind: 'single' | 'multi',
): number {
  let total = 0;
  let weight = 0;
  for (const [row, { target, weights }] of texts.entries()) {
    const own = logits.subarray(row * target.length, (row + 1) * target.length);
    const costs = kind === 'single' ? softmaxCosts(own, target) : logisticCosts(own, target);
    for (const [label, cost] of costs.entries()) total += weights[label]! * cost;
    weight += meanOf(weights);
  }
  return total / weight;
}

export function meanOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}

function softmaxCosts(logits: Float32Array, target: readonly number[]): number[] {
  const greatest = Math.max(...logits);
  const normalizer = greatest + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - greatest), 0));
  return target.map((share, label) => share * (normalizer - logits[label]!));
}

/** (ln(1 + eᶻ) − t·z) / labels, written so that it cannot overflow. */
function logisticCosts(logits: Float32Array, target: readonly number[]): number[] {
  return target.map((share, label) => {
    const logit = logits[label]!;
    return (Math.max(logit, 0) + Math.log1p(Math.exp(-Math.abs(logit))) - share * logit) / target.length;
  });
}
