import { add, linear, matMul, multiply, reshape } from '../autodiff/operations.ts';
import { Tape } from '../autodiff/tape.ts';
import type { Value } from '../onnx/graph.ts';
import type { EncoderConfig } from './config.ts';
import { type EncoderParts, encoder, type Pooling } from './graph.ts';
import { gatheredTables, headBias, headWeight, positionTable, typeTable, wordTable } from './weights.ts';

// Sizes that the inputs of a run decide: one session serves batches of every shape.
const texts = 'texts';
const tokens = 'tokens';
const rows = 'rows';

/** An encoder with its weights as inputs. Where a linear layer is on top of it, the head, the head's are among the `shapes`. */
export interface EncoderShape {
  readonly config: EncoderConfig;
  readonly pooling: Pooling;
  /** Shapes of all weights by their canonical names. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
}

/** The forward pass alone, with the weights as inputs: what held-out texts are scored with during training. Output: `logits` [texts, labels]. */
export function evaluationGraph(shape: EncoderShape): Uint8Array {
  const tape = new Tape();
  tape.output('logits', classifier(tape, shape, () => null).logits);
  return tape.toBytes();
}

/** The encoder's forward pass without a head, its weights as inputs. Output: `embeddings` [texts, hidden]. */
export function embeddingGraph(shape: EncoderShape): Uint8Array {
  const tape = new Tape();
  tape.output('embeddings', embedder(tape, shape, () => null).pooled);
  return tape.toBytes();
}

/** The classifier with weights and texts as inputs; `inputs` has what can be trained: weights, and given rows in the place of tables. */
export function classifier(
  tape: Tape,
  shape: EncoderShape,
  dropout: EncoderParts['dropout'],
): { logits: Value; inputs: ReadonlyMap<string, Value> } {
  const { pooled, inputs } = embedder(tape, shape, dropout);
  const mask = dropout(pooled.shape, shape.config.dropout.hidden);
  const dropped = mask === null ? pooled : multiply(tape, pooled, mask);
  const logits = linear(tape, dropped, inputs.get(headWeight)!, inputs.get(headBias)!);
  return { logits, inputs };
}

/** The classifier without its head: one vector a text, [texts, hidden]. */
function embedder(
  tape: Tape,
  { config, pooling, shapes }: EncoderShape,
  dropout: EncoderParts['dropout'],
): { pooled: Value; inputs: ReadonlyMap<string, Value> } {
  const { hiddenSize: hidden } = config;
  const inputs = new Map<string, Value>();
  inputs.set(wordTable, tape.input(wordTable, 'float', [tokens, texts, hidden]));
  inputs.set(positionTable, tape.input(positionTable, 'float', [tokens, 1, hidden]));
  for (const [name, shape] of shapes) if (!gatheredTables.includes(name)) inputs.set(name, tape.input(name, 'float', shape));

  const words = inputs.get(wordTable)!;
  tape.bindSize(tokens, words, 0);
  tape.bindSize(texts, words, 1);
  let embeddings = reshape(tape, add(tape, words, inputs.get(positionTable)!), [rows, hidden]);
  tape.bindSize(rows, embeddings, 0);
  const types = inputs.get(typeTable);
  if (types !== undefined) embeddings = add(tape, embeddings, matMul(tape, tape.input('types', 'float', [rows, config.tokenTypes]), types));

  const pooled = encoder(tape, {
    config,
    pooling,
    texts,
    tokens,
    rows,
    parameter: (name) => inputs.get(name)!,
    embeddings,
    mask: tape.input('mask', 'float', [texts, 1, 1, tokens]),
    tokenWeights: pooling === 'mean' ? tape.input('tokenWeights', 'float', [tokens, texts, 1]) : null,
    dropout,
  });
  return { pooled, inputs };
}
