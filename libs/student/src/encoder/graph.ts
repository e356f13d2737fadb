import {
  add,
  attend,
  firstRows,
  gelu,
  layerNorm,
  linear,
  matMul,
  multiply,
  reshape,
  scale,
  sumAlong,
  transpose,
} from '../autodiff/operations.ts';
import type { Tape } from '../autodiff/tape.ts';
import type { Dimension, Value } from '../onnx/graph.ts';
import type { EncoderConfig } from './config.ts';

/** What one vector a text becomes: its first token's ([CLS], <s>), or the mean of all its tokens'. */
export type Pooling = 'first' | 'mean';

/** Added to the attention scores of padding: far below any score, and still a number. */
export const paddingScore = -1e9;

/** What the encoder is built of and from: the same for training and for inference. */
export interface EncoderParts {
  readonly config: EncoderConfig;
  readonly pooling: Pooling;
  /** Tokens of the longest text, and texts. */
  readonly tokens: Dimension;
  readonly texts: Dimension;
  /** tokens · texts: rows of the matrices, the first tokens of all texts first. */
  readonly rows: Dimension;
  /** The weights by their canonical names. */
  readonly parameter: (name: string) => Value;
  /** Sum of the embeddings, [rows, hidden]. */
  readonly embeddings: Value;
  /** 0 for a token and `paddingScore` for padding, [texts, 1, 1, tokens]; null: no padding. */
  readonly mask: Value | null;
  /** A token's share in its text's mean, 0 for padding, [tokens, texts, 1]. Read where pooling is `mean`. */
  readonly tokenWeights: Value | null;
  /** What a value of that shape is multiplied by for dropout; null: nothing is dropped. */
  readonly dropout: (shape: readonly Dimension[], rate: number) => Value | null;
  /** x·Wᵀ + b with the weights of that name in another form than float32; left out: in float32. */
  readonly dense?: (x: Value, name: string) => Value;
}

/**
 * A BERT-shaped encoder (Devlin et al. 2019, after Vaswani et al. 2017; layer normalization after each part) → one vector per text,
 * [texts, hidden]. Tokens are laid out [tokens, texts], so that the first tokens are the first rows, and the last layer is
 * computed for those alone where nothing else is read of it: its keys and values still come from all.
 */
export function encoder(tape: Tape, parts: EncoderParts): Value {
  const { config } = parts;
  const dropped = (value: Value) => {
    const mask = parts.dropout(value.shape, config.dropout.hidden);
    return mask === null ? value : multiply(tape, value, mask);
  };
  let x = dropped(norm(tape, parts, parts.embeddings, 'embeddings.LayerNorm'));
  for (let layer = 0; layer < config.layers; layer++) {
    const pruned = parts.pooling === 'first' && layer === config.layers - 1;
    const read = pruned ? firstRows(tape, x, parts.texts) : x;
    const attended = attention(tape, parts, `encoder.layer.${layer}.attention.self`, x, read, pruned ? 1 : parts.tokens);
    const output = `encoder.layer.${layer}.attention.output`;
    const mixed = norm(tape, parts, add(tape, dropped(dense(tape, parts, attended, `${output}.dense`)), read), `${output}.LayerNorm`);
    const wide = gelu(tape, dense(tape, parts, mixed, `encoder.layer.${layer}.intermediate.dense`));
    const narrow = dropped(dense(tape, parts, wide, `encoder.layer.${layer}.output.dense`));
    x = norm(tape, parts, add(tape, narrow, mixed), `encoder.layer.${layer}.output.LayerNorm`);
  }
  return parts.pooling === 'first' ? x : meanOfTokens(tape, parts, x);
}

/** Multi-head scaled dot-product attention (Vaswani et al. 2017, section 3.2): every row of `read` looks at all of its text's tokens in `x`. */
function attention(tape: Tape, parts: EncoderParts, name: string, x: Value, read: Value, readTokens: Dimension): Value {
  const { config, texts, tokens } = parts;
  const headSize = config.hiddenSize / config.heads;
  // [length · texts, hidden] → [texts, heads, length, headSize]
  const heads = (rows: Value, length: Dimension) =>
    transpose(tape, reshape(tape, rows, [length, texts, config.heads, headSize]), [1, 2, 0, 3]);
  const query = heads(dense(tape, parts, read, `${name}.query`), readTokens);
  const key = heads(dense(tape, parts, x, `${name}.key`), tokens);
  const value = heads(dense(tape, parts, x, `${name}.value`), tokens);
  const similarity = scale(tape, matMul(tape, query, transpose(tape, key, [0, 1, 3, 2])), 1 / Math.sqrt(headSize));
  const scores = parts.mask === null ? similarity : add(tape, similarity, parts.mask);
  const mask = parts.dropout(scores.shape, config.dropout.attention);
  return reshape(tape, attend(tape, scores, mask, value), [read.shape[0]!, config.hiddenSize]);
}

function dense(tape: Tape, { parameter, dense: other }: EncoderParts, x: Value, name: string): Value {
  return other?.(x, name) ?? linear(tape, x, parameter(`${name}.weight`), parameter(`${name}.bias`));
}

function norm(tape: Tape, { config, parameter }: EncoderParts, x: Value, name: string): Value {
  return layerNorm(tape, x, parameter(`${name}.weight`), parameter(`${name}.bias`), config.layerNormEpsilon);
}

function meanOfTokens(tape: Tape, { config, tokens, texts, tokenWeights }: EncoderParts, x: Value): Value {
  const weighted = multiply(tape, reshape(tape, x, [tokens, texts, config.hiddenSize]), tokenWeights!);
  return reshape(tape, sumAlong(tape, weighted, 0), [texts, config.hiddenSize]);
}
