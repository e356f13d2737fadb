import type { InferenceSession, Tensor } from 'onnxruntime-node';
import type { EncoderShape } from '../encoder/forward-graph.ts';
import type { MicroBatch } from '../encoder/micro-batch.ts';
import { gatheredTables, wordTable } from '../encoder/weights.ts';
import { floats, floatsOf } from '../onnx/session.ts';
import { squaredNorm } from './adamw.ts';
import { gradientOf } from './training-graph.ts';

/**
 * The gradients of one update after another, each summed over its micro-batches. There is one buffer a weight for the whole training: an
 * update's first run writes into it, without a copy.
 */
export class Gradients {
  /** By the weights' names. */
  readonly sums: ReadonlyMap<string, Float32Array>;
  /** The buffers as places for outputs; null for tables, of which a run gives some rows only. */
  readonly #places: ReadonlyMap<string, Tensor | null>;
  readonly #firstPosition: number;
  #isFirstRun = true;

  constructor({ config, shapes }: EncoderShape, weights: ReadonlyMap<string, Float32Array>) {
    this.sums = new Map([...weights].map(([name, values]) => [name, new Float32Array(values.length)]));
    this.#places = new Map(
      [...this.sums].map(([name, sum]) => [gradientOf(name), gatheredTables.includes(name) ? null : floats(sum, shapes.get(name)!)]),
    );
    this.#firstPosition = config.firstPosition;
  }

  /** Begins another update. */
  begin(): void {
    this.#isFirstRun = true;
    for (const table of gatheredTables) this.sums.get(table)!.fill(0);
  }

  /** Where the next run of the training graph is to put its outputs. */
  places(): InferenceSession.FetchesType & Record<string, Tensor | null> {
    const gradients = this.#isFirstRun ? this.#places : new Map([...this.#places.keys()].map((name) => [name, null]));
    return { loss: null, ...Object.fromEntries(gradients) };
  }

  /** Adds the outputs of the run for `batch`, which was given `places()`. */
  add(outputs: InferenceSession.OnnxValueMapType, batch: MicroBatch): void {
    const positions = Int32Array.from({ length: batch.tokens }, (_, at) => this.#firstPosition + at);
    for (const [name, sum] of this.sums) {
      const output = outputs[gradientOf(name)];
      if (output === undefined) continue;
      if (gatheredTables.includes(name)) addRows(sum, floatsOf(output), name === wordTable ? batch.ids : positions);
      else if (!this.#isFirstRun) addAll(sum, floatsOf(output));
    }
    this.#isFirstRun = false;
  }

  /** Σ over all elements of their squares. */
  squaredNorm(): number {
    let total = 0;
    for (const sum of this.sums.values()) total += squaredNorm(sum);
    return total;
  }
}

function addAll(sum: Float32Array, gradient: Float32Array): void {
  for (let at = 0; at < sum.length; at++) sum[at]! += gradient[at]!;
}

/** Adds each row of `gradient` to the row of `sum` that `rows` names. */
function addRows(sum: Float32Array, gradient: Float32Array, rows: Int32Array): void {
  const width = gradient.length / rows.length;
  for (const [from, row] of rows.entries()) {
    const start = row * width;
    const source = from * width;
    for (let at = 0; at < width; at++) sum[start + at]! += gradient[source + at]!;
  }
}
