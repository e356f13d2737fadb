import type { InferenceSession } from 'onnxruntime-node';
import { floats } from '../onnx/session.ts';
import type { EncoderShape } from './forward-graph.ts';
import { paddingScore } from './graph.ts';
import type { TokenizedText } from './tokenizer.ts';
import type { EncoderWeights } from './weights.ts';
import { gatheredTables, positionTable, wordTable } from './weights.ts';

/** Texts laid out for one run: tokens of a text down, texts across, [tokens, texts]. */
export interface MicroBatch {
  readonly texts: number;
  readonly tokens: number;
  /** Token ids, [tokens, texts], the padding token where a text has ended. */
  readonly ids: Int32Array;
  readonly feeds: InferenceSession.FeedsType;
}

/** The weights as inputs of the training, evaluation and embedding graphs, over their own memory: updates show in the next run. */
export function weightFeeds({ shapes }: EncoderShape, weights: EncoderWeights): InferenceSession.FeedsType {
  const whole = [...shapes].filter(([name]) => !gatheredTables.includes(name));
  return Object.fromEntries(whole.map(([name, shape]) => [name, floats(weights.get(name)!, shape)]));
}

/** The texts as inputs of these graphs. */
export function microBatch(
  texts: readonly { readonly tokens: TokenizedText }[],
  { config, pooling }: EncoderShape,
  weights: EncoderWeights,
): MicroBatch {
  const count = texts.length;
  const tokens = Math.max(...texts.map((text) => text.tokens.ids.length));
  const { hiddenSize: hidden, tokenTypes } = config;
  const ids = new Int32Array(tokens * count).fill(config.padTokenId);
  const types = new Float32Array(tokens * count * tokenTypes);
  const mask = new Float32Array(count * tokens).fill(paddingScore);
  const tokenWeights = new Float32Array(tokens * count);
  for (const [
    text,
    {
      tokens: { ids: own, types: ownTypes },
    },
  ] of texts.entries()) {
    for (let token = 0; token < tokens; token++) {
      const row = token * count + text;
      if (tokenTypes > 0) types[row * tokenTypes + Math.min(ownTypes[token] ?? 0, tokenTypes - 1)] = 1;
      if (token >= own.length) continue;
      ids[row] = own[token]!;
      mask[text * tokens + token] = 0;
      tokenWeights[row] = 1 / own.length;
    }
  }
  const wordRows = weights.get(wordTable)!;
  const words = new Float32Array(tokens * count * hidden);
  for (const [row, id] of ids.entries()) words.set(wordRows.subarray(id * hidden, (id + 1) * hidden), row * hidden);
  // The texts' positions are neighbours in the table: a view of it will do.
  const firstPosition = config.firstPosition * hidden;
  const positions = weights.get(positionTable)!.subarray(firstPosition, firstPosition + tokens * hidden);
  const feeds: Record<string, InferenceSession.FeedsType[string]> = {
    [wordTable]: floats(words, [tokens, count, hidden]),
    [positionTable]: floats(positions, [tokens, 1, hidden]),
    mask: floats(mask, [count, 1, 1, tokens]),
  };
  if (tokenTypes > 0) feeds['types'] = floats(types, [tokens * count, tokenTypes]);
  if (pooling === 'mean') feeds['tokenWeights'] = floats(tokenWeights, [tokens, count, 1]);
  return { texts: count, tokens, ids, feeds };
}

/**
 * Cuts rows, in their order, into parts of at most `tokens` tokens with padding; a part has at least one row. A batch's gradient is the
 * sum over its parts: memory is bounded by the part, not by the batch.
 */
export function microBatches(rows: readonly number[], lengths: ArrayLike<number>, tokens: number): number[][] {
  const parts: number[][] = [];
  let part: number[] = [];
  let longest = 0;
  for (const row of rows) {
    longest = Math.max(longest, lengths[row]!);
    if (part.length > 0 && longest * (part.length + 1) > tokens) {
      parts.push(part);
      part = [];
      longest = lengths[row]!;
    }
    part.push(row);
  }
  if (part.length > 0) parts.push(part);
  return parts;
}
