import { multiply, multiplyTransposed, type SparseRows } from './matrix.ts';

const outputsPerBlock = 16;

/**
 * Weights W = Xᵀ A written as sums of the rows of X [n, D], and intercepts. A vector of this space is one array: coefficients
 * A [n, K], their image X Xᵀ A [n, K], intercepts [K].
 */
export class RowSpace {
  readonly size: number;
  readonly #rows: SparseRows;
  readonly #outputs: number;
  readonly #scratch: Float64Array;

  constructor(rows: SparseRows, outputs: number) {
    this.#rows = rows;
    this.#outputs = outputs;
    this.size = (rows.starts.length - 1) * outputs;
    this.#scratch = new Float64Array(rows.width * Math.min(outputs, outputsPerBlock));
  }

  vector(): Float64Array {
    return new Float64Array(2 * this.size + this.#outputs);
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
    const size = this.size;
    let sum = 0;
    for (let index = 0; index < size; index++) sum += left[index]! * right[size + index]!;
    for (let index = 2 * size; index < left.length; index++) sum += left[index]! * right[index]!;
    return sum;
  }

  /** X Xᵀ coefficients, a block of outputs at a time so that the scratch [D, block] stays small. */
  applyGram(coefficients: Float64Array, out: Float64Array): void {
    const outputs = this.#outputs;
    for (let first = 0; first < outputs; first += outputsPerBlock) {
      const width = Math.min(outputsPerBlock, outputs - first);
      const scratch = this.#scratch.subarray(0, this.#rows.width * width);
      if (width === outputs) {
        multiplyTransposed(this.#rows, coefficients, outputs, scratch);
        multiply(this.#rows, scratch, outputs, out);
        return;
      }
      const block = new Float64Array((this.size / outputs) * width);
      for (let at = 0, from = first; at < block.length; at += width, from += outputs) {
        block.set(coefficients.subarray(from, from + width), at);
      }
      multiplyTransposed(this.#rows, block, width, scratch);
      multiply(this.#rows, scratch, width, block);
      for (let at = 0, to = first; at < block.length; at += width, to += outputs) out.set(block.subarray(at, at + width), to);
    }
  }
}
