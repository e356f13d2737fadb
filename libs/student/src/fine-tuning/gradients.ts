import type { InferenceSession } from 'onnxruntime-node';
import type { EncoderWeights } from '../encoder/weights.ts';
import { floatsOf } from '../onnx/session.ts';
import { squaredNorm } from './adamw.ts';
import type { MicroBatch } from './micro-batch.ts';
import { gradientOf, positionTable, wordTable } from './training-graph.ts';

/** The gradients of one update, summed over its micro-batches. */
export class Gradients {
  /** By the weights' names. */
  readonly sums = new Map<string, Float32Array>();
  readonly #weights: EncoderWeights;
  readonly #firstPosition: number;

  constructor(weights: EncoderWeights, firstPosition: number) {
    this.#weights = weights;
    this.#firstPosition = firstPosition;
  }

  /** Adds the outputs of a run of the training graph for `batch`. */
  add(outputs: InferenceSession.OnnxValueMapType, batch: MicroBatch): void {
    for (const name of this.#weights.keys()) {
      const output = outputs[gradientOf(name)];
      if (output === undefined) continue;
      const gradient = floatsOf(output);
      if (name === wordTable) this.#addRows(name, gradient, batch.ids);
      else if (name === positionTable)
        this.#addRows(
          name,
          gradient,
          Int32Array.from({ length: batch.tokens }, (_, at) => this.#firstPosition + at),
        );
      else {
        const sum = this.sums.get(name);
        // An output's memory is its own, so the first one is the sum so far.
        if (sum === undefined) this.sums.set(name, gradient);
        else for (let at = 0; at < sum.length; at++) sum[at]! += gradient[at]!;
      }
    }
  }

  /** Σ over all elements of their squares. */
  squaredNorm(): number {
    let total = 0;
    for (const sum of this.sums.values()) total += squaredNorm(sum);
    return total;
  }

  #addRows(name: string, gradient: Float32Array, rows: Int32Array): void {
    const sum = this.sums.get(name) ?? new Float32Array(this.#weights.get(name)!.length);
    this.sums.set(name, sum);
    const width = gradient.length / rows.length;
    for (const [from, row] of rows.entries()) {
      const start = row * width;
      const source = from * width;
      for (let at = 0; at < width; at++) sum[start + at]! += gradient[source + at]!;
    }
  }
}
