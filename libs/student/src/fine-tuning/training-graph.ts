import { add, linear, matMul, multiply, reshape, sum } from '../autodiff/operations.ts';
import { Tape } from '../autodiff/tape.ts';
import type { EncoderConfig } from '../encoder/config.ts';
import { encoder, type Pooling } from '../encoder/graph.ts';
import type { Dimension, Value } from '../onnx/graph.ts';
import { type LossSettings, losses } from './loss.ts';

// Sizes that the inputs of a run decide: one session serves batches of every shape.
const texts = 'texts';
const tokens = 'tokens';
const rows = 'rows';

export const wordTable = 'embeddings.word_embeddings.weight';
export const positionTable = 'embeddings.position_embeddings.weight';
const typeTable = 'embeddings.token_type_embeddings.weight';
export const headWeight = 'classifier.weight';
export const headBias = 'classifier.bias';

/** Weights whose rows are gathered outside, so that no table of the vocabulary's size passes through the graph at each run. */
export const gatheredTables: readonly string[] = [wordTable, positionTable];

/** Name of the output with the gradient of an input. */
export const gradientOf = (input: string): string => `gradient of ${input}`;

/** An encoder that makes one vector of each text. */
export interface EmbedderShape {
  readonly config: EncoderConfig;
  readonly pooling: Pooling;
  /** Shapes of all weights by their canonical names. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
}

/** An encoder with a linear layer on top, the head, whose weights are among the `shapes`. */
export interface ClassifierShape extends EmbedderShape {}

/** An input that wants a dropout mask. */
export interface DropoutInput {
  readonly name: string;
  readonly shape: readonly Dimension[];
  readonly rate: number;
}

/**
 * One step's forward and backward pass. Inputs: the weights, a micro-batch (see `MicroBatch`), `targets` and `weights` [texts, labels],
 * and the dropout masks. Outputs: `loss` (the weighted sum over texts and labels, []), and the gradient of every weight; of the
 * gathered tables it is the gradient of the rows that were given.
 */
export function trainingGraph(
  shape: ClassifierShape,
  loss: LossSettings,
): { readonly model: Uint8Array; readonly dropouts: readonly DropoutInput[] } {
  const tape = new Tape();
  const dropouts: DropoutInput[] = [];
  const { logits, inputs } = classifier(tape, shape, (x, rate) => {
    if (rate === 0) return x;
    const name = `dropout ${dropouts.length}`;
    dropouts.push({ name, shape: x.shape, rate });
    return multiply(tape, x, tape.input(name, 'float', x.shape));
  });
  const targets = tape.input('targets', 'float', logits.shape);
  const weights = tape.input('weights', 'float', logits.shape);
  const total = sum(tape, multiply(tape, losses(tape, logits, targets, loss), weights));
  const gradients = tape.gradients(total, [...inputs.values()]);
  tape.output('loss', total);
  for (const [index, name] of [...inputs.keys()].entries()) tape.output(gradientOf(name), gradients[index]!);
  return { model: tape.toBytes(), dropouts };
}

/** The forward pass alone, with the weights as inputs: what the dev part is scored with during training. Output: `logits` [texts, labels]. */
export function evaluationGraph(shape: ClassifierShape): Uint8Array {
  const tape = new Tape();
  tape.output('logits', classifier(tape, shape, (x) => x).logits);
  return tape.toBytes();
}

/** The encoder's forward pass without a head, its weights as inputs. Output: `embeddings` [texts, hidden]. */
export function embeddingGraph(shape: EmbedderShape): Uint8Array {
  const tape = new Tape();
  tape.output('embeddings', embedder(tape, shape, (x) => x).pooled);
  return tape.toBytes();
}

/** The classifier with weights and texts as inputs; `inputs` has what can be trained: weights, and given rows in the place of tables. */
function classifier(
  tape: Tape,
  shape: ClassifierShape,
  dropout: (x: Value, rate: number) => Value,
): { logits: Value; inputs: ReadonlyMap<string, Value> } {
  const { pooled, inputs } = embedder(tape, shape, dropout);
  const logits = linear(tape, dropout(pooled, shape.config.dropout.hidden), inputs.get(headWeight)!, inputs.get(headBias)!);
  return { logits, inputs };
}

/** The classifier without its head: one vector a text, [texts, hidden]. */
function embedder(
  tape: Tape,
  { config, pooling, shapes }: EmbedderShape,
  dropout: (x: Value, rate: number) => Value,
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
