import type { InferenceSession } from 'onnxruntime-node';
import type { EncoderShape } from '../encoder/forward-graph.ts';
import type { MicroBatch } from '../encoder/micro-batch.ts';
import { gatheredTables, wordTable } from '../encoder/weights.ts';
import { floatsOf, giveBack } from '../onnx/session.ts';
import { squaredNorm } from './adamw.ts';
import { gradientOf } from './training-graph.ts';

/**
 * The gradients of one update after another, each summed over its micro-batches. What a run puts out is taken as it is, and given back once it
 * is used: in memory there is one set of gradients, a second one while an update's later run is added, and none between updates.
 */
export class Gradients {
  /** Sums by the weights' names. Those of tables have room for all rows from one update to the next, for a run gives some of them only. */
  readonly #sums = new Map<string, Float32Array>();
  readonly #shape: EncoderShape;

  constructor(shape: EncoderShape, weights: ReadonlyMap<string, Float32Array>) {
    for (const table of gatheredTables) this.#sums.set(table, new Float32Array(weights.get(table)!.length));
    this.#shape = shape;
  }

  /** The sums by the weights' names. */
  get sums(): ReadonlyMap<string, Float32Array> {
    return this.#sums;
  }

  /** Adds the outputs of the training graph's run for `batch`, which are not to be used afterwards. */
  add(outputs: InferenceSession.OnnxValueMapType, { tokens, ids }: MicroBatch): void {
    const { config, shapes } = this.#shape;
    const positions = Int32Array.from({ length: tokens }, (_, at) => config.firstPosition + at);
    for (const name of shapes.keys()) {
      const gradient = floatsOf(outputs[gradientOf(name)]!);
      const sum = this.#sums.get(name);
      if (sum === undefined) {
        this.#sums.set(name, gradient);
        continue;
      }
      if (gatheredTables.includes(name)) addRows(sum, gradient, name === wordTable ? ids : positions);
      else addAll(sum, gradient);
      giveBack(gradient);
    }
  }

  /** Σ over all elements of their squares. */
  squaredNorm(): number {
    let total = 0;
    for (const sum of this.#sums.values()) total += squaredNorm(sum);
    return total;
  }

  /** Forgets an update's sums, for the next one. */
  clear(): void {
    for (const [name, sum] of this.#sums) {
      if (gatheredTables.includes(name)) {
        sum.fill(0);
        continue;
      }
      giveBack(sum);
      this.#sums.delete(name);
    }
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
