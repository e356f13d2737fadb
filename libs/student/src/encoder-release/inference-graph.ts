import { add, linear, multiply, reshape, transpose } from '../autodiff/operations.ts';
import { Tape } from '../autodiff/tape.ts';
import { type EncoderConfig, maxTokens } from '../encoder/config.ts';
import { encoder, paddingScore } from '../encoder/graph.ts';
import type { ClassifierForm } from '../encoder/trained.ts';
import { headBias, headWeight, positionTable } from '../encoder/weights.ts';
import type { Value } from '../onnx/graph.ts';
import { gather, type PlacedTensors, type Precision, type Variant, type WeightReader, weightReaders } from './precision.ts';

// Sizes that a run's inputs decide.
const tokens = 'tokens';
const texts = 'texts';
const rows = 'rows';

/** Whether the graph has an input `types`. */
export function readsTypes({ config, pairs }: ClassifierForm): boolean {
  return pairs && config.tokenTypes > 1;
}

/**
 * The classifier as an ONNX model without weights: it points to them in files beside it. Inputs, int32: `ids` and, where
 * `readsTypes` says so, `types`, [tokens] or in a batch [tokens, texts]; in a batch also `lengths` [texts], the tokens of each text
 * without padding. Output: `logits` [texts, labels]; a single text is 1.
 * @param placed tensors by name, in the form of `precision`
 */
export function inferenceGraph(form: ClassifierForm, variant: Variant, precision: Precision, placed: PlacedTensors): Uint8Array {
  const tape = new Tape();
  const weights = weightReaders[precision](tape, placed, variant);
  const several = variant === 'batch';
  const layout = several ? [tokens, texts] : [tokens];
  const ids = tape.input('ids', 'int32', layout);
  tape.bindSize(tokens, ids, 0);
  if (several) tape.bindSize(texts, ids, 1);
  const embeddings = reshape(tape, embedded(tape, form, weights, ids), [several ? rows : tokens, form.config.hiddenSize]);
  if (several) tape.bindSize(rows, embeddings, 0);

  const pooled = encoder(tape, {
    config: form.config,
    pooling: form.pooling,
    tokens,
    texts: several ? texts : 1,
    rows: several ? rows : tokens,
    parameter: weights.float,
    embeddings,
    ...(several ? padding(tape, form.config) : { mask: null, tokenWeights: evenShare(tape) }),
    dropout: () => null,
    dense: weights.dense,
  });
  // The head stays in float32: it is small, and nothing after it would even its rounding out.
  tape.output('logits', linear(tape, pooled, weights.float(headWeight), weights.float(headBias)));
  return tape.toBytes();
}

/** Sum of the embeddings of words, positions and types, [tokens, texts, hidden]. */
function embedded(tape: Tape, form: ClassifierForm, weights: WeightReader, ids: Value): Value {
  const { config } = form;
  const words = weights.words(ids);
  const types = 'embeddings.token_type_embeddings.weight';
  let positions = weights.float(positionTable);
  // Both are constants: onnxruntime adds them once, when it loads the graph.
  if (config.tokenTypes > 0 && !readsTypes(form)) positions = add(tape, positions, firstRow(tape, weights.float(types)));
  const sum = add(tape, words, positionRows(tape, config, positions, ids.shape.length));
  return readsTypes(form) ? add(tape, sum, gather(tape, weights.float(types), tape.input('types', 'int32', ids.shape))) : sum;
}

function firstRow(tape: Tape, table: Value): Value {
  return tape.node('Slice', [table, tape.integers(0), tape.integers(1), tape.integers(0)], [1, table.shape[1]!]);
}

/** Rows of the position table for as many tokens as there are, in a batch [tokens, 1, hidden]. */
function positionRows(tape: Tape, config: EncoderConfig, table: Value, axes: number): Value {
  const from = config.firstPosition;
  const end = from === 0 ? tape.size(tokens) : tape.node('Add', [tape.size(tokens), tape.integers(from)], [1]);
  const own = tape.node('Slice', [table, tape.integers(from), end, tape.integers(0)], [tokens, config.hiddenSize]);
  return axes === 1 ? own : reshape(tape, own, [tokens, 1, config.hiddenSize]);
}

/** Each token's share in the mean of a text without padding. */
function evenShare(tape: Tape): Value {
  return tape.node('Reciprocal', [tape.toFloat(tape.size(tokens))], [1]);
}

/** What keeps padding out of attention and mean, from the texts' `lengths`. */
function padding(tape: Tape, config: EncoderConfig): { readonly mask: Value; readonly tokenWeights: Value } {
  const lengths = tape.toFloat(tape.input('lengths', 'int32', [texts]));
  const numbers = Float32Array.from({ length: maxTokens(config) }, (_, token) => token);
  const all = tape.constant('float', [numbers.length, 1], new Uint8Array(numbers.buffer));
  const own = tape.node('Slice', [all, tape.integers(0), tape.size(tokens), tape.integers(0)], [tokens, 1]);
  // 1 where a text has a token, 0 where it has ended.
  const left = tape.node('Sub', [lengths, own], [tokens, texts]);
  const inside = tape.node('Clip', [left, tape.scalar(0), tape.scalar(1)], [tokens, texts]);
  const outside = tape.node('Sub', [tape.scalar(1), inside], [tokens, texts]);
  const scores = transpose(tape, multiply(tape, outside, tape.scalar(paddingScore)), [1, 0]);
  const share = tape.node('Div', [inside, lengths], [tokens, texts]);
  return { mask: reshape(tape, scores, [texts, 1, 1, tokens]), tokenWeights: reshape(tape, share, [tokens, texts, 1]) };
}
