import type { EncoderWeights } from '../encoder/weights.ts';
import { wordTable } from '../encoder/weights.ts';
import { float32Tensor, int8Tensor, type Tensor } from '../safetensors.ts';
import { scaleOf } from './precision.ts';

// Quantization to 8-bit integers: Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
// Inference"; symmetric and with a scale each output channel as in Krishnamoorthi 2018, "Quantizing deep convolutional networks for
// efficient inference", section 2; activations dynamically, by https://onnx.ai/onnx/operators/onnx__DynamicQuantizeLinear.html.

/** The largest integer in a table: with -128 left out, the range is symmetric and 0 stays 0. */
export const tableRange = 127;

/**
 * The largest integer in a matrix. x86 processors without VNNI add two products of 8 bits into 16 bits that saturate (VPMADDUBSW), and
 * 255·64·2 is about the most that they hold: so the answers are the same on every machine. The one bit costs little beside the rounding
 * of the activations (see the README).
 */
export const matrixRange = 64;

export interface QuantizedRows {
  /** [rows, columns] */
  readonly values: Int8Array;
  /** [rows]: what a row's integers are multiplied by; 0 for a row of zeros. */
  readonly scales: Float32Array;
}

/** Each row as integers from -range to range times a scale of its own: no element is off by more than half a scale. All must be finite. */
export function quantizeRows(matrix: Float32Array, rows: number, range: number): QuantizedRows {
  const columns = matrix.length / rows;
  const values = new Int8Array(matrix.length);
  const scales = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    const begin = row * columns;
    let greatest = 0;
    for (let at = begin; at < begin + columns; at++) greatest = Math.max(greatest, Math.abs(matrix[at]!));
    const scale = Math.fround(greatest / range);
    // What is too small for a scale in float32 is as good as 0.
    if (scale === 0) continue;
    scales[row] = scale;
    for (let at = begin; at < begin + columns; at++) {
      const steps = Math.min(range, Math.round(Math.abs(matrix[at]!) / scale));
      values[at] = matrix[at]! < 0 ? -steps : steps;
    }
  }
  return { values, scales };
}

/** Type and shape of each tensor of a quantized classifier. */
type Layout = ReadonlyMap<string, Pick<Tensor, 'type' | 'shape'>>;

/**
 * How a classifier's weights are kept for the int8 graph. The encoder's matrices are integers with a scale each output, [in, out] as
 * MatMulInteger reads them; word embeddings are integers with a scale each row. All else stays in float32: it is small.
 * @param shapes the encoder's and the head's, by their canonical names
 */
export function quantizedLayout(shapes: ReadonlyMap<string, readonly number[]>): Layout {
  const floats = new Map<string, Pick<Tensor, 'type' | 'shape'>>();
  const integers = new Map<string, Pick<Tensor, 'type' | 'shape'>>();
  for (const [name, shape] of shapes) {
    const [rows, columns] = shape as [number, number?];
    if (name === wordTable) {
      floats.set(scaleOf(name), { type: 'F32', shape: [rows, 1] });
      integers.set(name, { type: 'I8', shape });
    } else if (name.startsWith('encoder.') && columns !== undefined) {
      floats.set(scaleOf(name), { type: 'F32', shape: [rows] });
      integers.set(name, { type: 'I8', shape: [columns, rows] });
    } else {
      floats.set(name, { type: 'F32', shape });
    }
  }
  // The floats come first, so that each of them starts at a multiple of 4 bytes.
  return new Map([...floats, ...integers]);
}

/** A classifier's weights in that layout. */
export function quantizedTensors(weights: EncoderWeights, shapes: ReadonlyMap<string, readonly number[]>): Map<string, Tensor> {
  const layout = quantizedLayout(shapes);
  const made = new Map<string, Tensor>();
  for (const [name, [rows]] of shapes as ReadonlyMap<string, readonly [number]>) {
    const values = weights.get(name)!;
    const kept = layout.get(name)!;
    if (kept.type === 'F32') {
      made.set(name, float32Tensor(kept.shape, values));
      continue;
    }
    const quantized = quantizeRows(values, rows, name === wordTable ? tableRange : matrixRange);
    const scale = scaleOf(name);
    made.set(scale, float32Tensor(layout.get(scale)!.shape, quantized.scales));
    made.set(name, int8Tensor(kept.shape, name === wordTable ? quantized.values : transposed(quantized.values, rows)));
  }
  return new Map([...layout.keys()].map((name) => [name, made.get(name)!]));
}

/** [rows, columns] → [columns, rows] */
function transposed(matrix: Int8Array, rows: number): Int8Array {
  const columns = matrix.length / rows;
  const result = new Int8Array(matrix.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) result[column * rows + row] = matrix[row * columns + column]!;
  return result;
}
