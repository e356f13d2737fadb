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

/** Mean cross entropy per text, by weight; for several labels at once the mean over them. */
export function devLoss(
  logits: Float32Array,
  texts: readonly { readonly target: readonly number[]; readonly weight: number }[],
  kind: 'single' | 'multi',
): number {
  let total = 0;
  let weights = 0;
  for (const [row, { target, weight }] of texts.entries()) {
    const own = logits.subarray(row * target.length, (row + 1) * target.length);
    total += weight * (kind === 'single' ? softmaxLoss(own, target) : logisticLoss(own, target));
    weights += weight;
  }
  return total / weights;
}

function softmaxLoss(logits: Float32Array, target: readonly number[]): number {
  const greatest = Math.max(...logits);
  const normalizer = greatest + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - greatest), 0));
  return target.reduce((sum, share, label) => sum + share * (normalizer - logits[label]!), 0);
}

/** Mean over labels of ln(1 + eᶻ) − t·z, written so that it cannot overflow. */
function logisticLoss(logits: Float32Array, target: readonly number[]): number {
  const losses = target.map((share, label) => {
    const logit = logits[label]!;
    return Math.max(logit, 0) + Math.log1p(Math.exp(-Math.abs(logit))) - share * logit;
  });
  return losses.reduce((sum, loss) => sum + loss, 0) / target.length;
}
