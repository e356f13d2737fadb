import type { TokenizedText } from '../encoder/tokenizer.ts';
import type { EncoderWeights } from '../encoder/weights.ts';
import { floatsOf, openSession, type SessionSettings } from '../onnx/session.ts';
import { microBatches } from './batches.ts';
import { microBatch, weightFeeds } from './micro-batch.ts';
import { type ClassifierShape, evaluationGraph } from './training-graph.ts';

/** Logits of texts under weights that may change between calls, [texts, labels] row by row. */
export type Scorer = (texts: readonly { readonly tokens: TokenizedText }[], weights: EncoderWeights) => Promise<Float32Array>;

/** Scores texts with weights in memory, in batches of like length of at most `microBatchTokens` tokens with padding. */
export async function scorer(shape: ClassifierShape, settings: SessionSettings & { readonly microBatchTokens: number }): Promise<Scorer> {
  const session = await openSession(evaluationGraph(shape), settings);
  return async (texts, weights) => {
    const lengths = texts.map(({ tokens }) => tokens.ids.length);
    const byLength = [...texts.keys()].sort((left, right) => lengths[left]! - lengths[right]!);
    const parameters = weightFeeds(shape, weights);
    let logits = new Float32Array(0);
    for (const part of microBatches(byLength, lengths, settings.microBatchTokens)) {
      const batch = microBatch(
        part.map((row) => texts[row]!),
        shape,
        weights,
      );
      const outputs = await session.run({ ...parameters, ...batch.feeds });
      const rows = floatsOf(outputs['logits']!);
      const labels = rows.length / part.length;
      if (logits.length === 0) logits = new Float32Array(texts.length * labels);
      for (const [from, row] of part.entries()) logits.set(rows.subarray(from * labels, (from + 1) * labels), row * labels);
    }
    return logits;
  };
}

/** Mean cross entropy by weight, as training has it without its noise-robust form. */
export function devLoss(
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
