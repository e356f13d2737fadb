import type { InferenceSession } from 'onnxruntime-node';
import type { TokenizedText } from '../encoder/tokenizer.ts';
import type { EncoderWeights } from '../encoder/weights.ts';
import { floats } from '../onnx/session.ts';
import { type EmbedderShape, gatheredTables, positionTable, wordTable } from './training-graph.ts';

/** Added to the attention scores of padding: far below any score, and still a number. */
const paddingScore = -1e9;

/** Texts laid out for one run: tokens of a text down, texts across, [tokens, texts]. */
export interface MicroBatch {
  readonly texts: number;
  readonly tokens: number;
  /** Token ids, [tokens, texts], the padding token where a text has ended. */
  readonly ids: Int32Array;
  readonly feeds: InferenceSession.FeedsType;
}

/** The weights as inputs of the training, evaluation and embedding graphs, over their own memory: updates show in the next run. */
export function weightFeeds({ shapes }: EmbedderShape, weights: EncoderWeights): InferenceSession.FeedsType {
  const whole = [...shapes].filter(([name]) => !gatheredTables.includes(name));
  return Object.fromEntries(whole.map(([name, shape]) => [name, floats(weights.get(name)!, shape)]));
}

/** The texts as inputs of these graphs. */
export function microBatch(
  texts: readonly { readonly tokens: TokenizedText }[],
  { config, pooling }: EmbedderShape,
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
