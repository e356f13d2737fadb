import type { Near, Space } from '../regression/space.ts';
import { columnSums, dot } from '../regression/vectors.ts';
import { blockWidth, multiply, type SparseRows, transposed } from './matrix.ts';

/**
 * Weights W = Xᵀ A written as sums of the rows of X [n, D], and intercepts. A vector of this space is one array: coefficients
 * A [n, K], their image X Xᵀ A [n, K], intercepts [K].
 */
export class RowSpace implements Space {
  readonly size: number;
  readonly outputs: number;
  readonly #rows: SparseRows;
  readonly #columns: SparseRows;
  /** Scratch [n, block] and [D, block]. */
  readonly #block: Float64Array;
  readonly #weights: Float64Array;

  constructor(rows: SparseRows, outputs: number) {
    this.outputs = outputs;
    this.#rows = rows;
    this.#columns = transposed(rows);
    this.size = (rows.starts.length - 1) * outputs;
    this.#block = new Float64Array((rows.starts.length - 1) * blockWidth);
    this.#weights = new Float64Array(rows.width * blockWidth);
  }

  vector(): Float64Array {
    return new Float64Array(2 * this.size + this.outputs);
  }

  coefficients(vector: Float64Array): Float64Array {
    return vector.subarray(0, this.size);
  }

  image(vector: Float64Array): Float64Array {
    return vector.subarray(this.size, 2 * this.size);
  }

  intercepts(vector: Float64Array): Float64Array {
    return vector.subarray(2 * this.size);
  }

  /** The inner product in the space of weights and intercepts. */
  inner(left: Float64Array, right: Float64Array): number {
    return this.penalty(left, right) + dot(this.intercepts(left), this.intercepts(right));
  }

  penalty(left: Float64Array, right: Float64Array): number {
    return dot(this.coefficients(left), this.image(right));
  }

  /** The logits of the rows [n, K] at a vector. */
  logits(vector: Float64Array, out: Float64Array): void {
    const { size, outputs } = this;
    for (let base = 0; base < size; base += outputs) {
      for (let output = 0; output < outputs; output++) out[base + output] = vector[size + base + output]! + vector[2 * size + output]!;
    }
  }

  /** In this space Xᵀ R is R; its image costs a pass over X and one over Xᵀ. */
  pullBack(residuals: Float64Array, out: Float64Array): void {
    this.coefficients(out).set(residuals);
    this.applyGram(residuals, this.image(out));
    columnSums(residuals, this.intercepts(out));
  }

  place({ coefficients, intercepts }: Near, out: Float64Array): void {
    this.coefficients(out).set(coefficients);
    this.applyGram(coefficients, this.image(out));
    this.intercepts(out).set(intercepts);
  }

  /** The weights W [D, K] of a vector. */
  weights(vector: Float64Array): Float64Array {
    const weights = new Float64Array(this.#rows.width * this.outputs);
    multiply(this.#columns, this.coefficients(vector), this.outputs, weights);
    return weights;
  }

  /** X Xᵀ coefficients, a block of outputs at a time: what a block reads and writes then stays in the cache. */
  applyGram(coefficients: Float64Array, out: Float64Array): void {
    const { size, outputs } = this;
    for (let first = 0; first < outputs; first += blockWidth) {
      const width = Math.min(blockWidth, outputs - first);
      const block = this.#block.subarray(0, (size / outputs) * width);
      const weights = this.#weights.subarray(0, this.#rows.width * width);
      for (let at = 0, from = first; at < block.length; at += width, from += outputs) {
        for (let output = 0; output < width; output++) block[at + output] = coefficients[from + output]!;
      }
      multiply(this.#columns, block, width, weights);
      multiply(this.#rows, weights, width, block);
      for (let at = 0, to = first; at < block.length; at += width, to += outputs) {
        for (let output = 0; output < width; output++) out[to + output] = block[at + output]!;
      }
    }
  }
}
