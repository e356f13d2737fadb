import { Graph } from '../onnx/graph.ts';
import { floats, floatsOf, openSession, type SessionSettings } from '../onnx/session.ts';
import type { Space } from '../regression/space.ts';
import { columnSums, dot } from '../regression/vectors.ts';

/** Rows of a dense matrix, [n, width]. */
export interface DenseRows {
  readonly values: Float32Array;
  readonly width: number;
}

/** The space holds sessions, whose memory the garbage collector does not see: `close` gives it back. */
export interface WeightSpace extends Space {
  close(): Promise<void>;
}

/**
 * The solver's space for dense rows: a vector is W [D, K] and b [K] as they are. Both products with the rows are onnxruntime's, in
 * float32: a hundred times as fast as loops here.
 */
export async function openWeightSpace({ values, width }: DenseRows, outputs: number, settings: SessionSettings): Promise<WeightSpace> {
  const count = values.length / width;
  const cells = width * outputs;
  const rows = floats(values, [count, width]);
  const weights = floats(new Float32Array(cells), [width, outputs]);
  const residuals = floats(new Float32Array(count * outputs), [count, outputs]);
  const forward = await openSession(productGraph(false), settings);
  const backward = await openSession(productGraph(true), settings);
  const intercepts = (vector: Float64Array) => vector.subarray(cells);
  const penalty = (left: Float64Array, right: Float64Array) => dot(left.subarray(0, cells), right.subarray(0, cells));
  return {
    outputs,
    size: count * outputs,
    vector: () => new Float64Array(cells + outputs),
    intercepts,
    penalty,
    inner: (left, right) => dot(left, right),
    async logits(vector, out) {
      floatsOf(weights).set(vector.subarray(0, cells));
      const products = floatsOf((await forward.run({ rows, other: weights }))['product']!);
      const own = intercepts(vector);
      for (let base = 0; base < out.length; base += outputs) {
        for (let output = 0; output < outputs; output++) out[base + output] = products[base + output]! + own[output]!;
      }
    },
    async pullBack(slopes, out) {
      floatsOf(residuals).set(slopes);
      out.set(floatsOf((await backward.run({ rows, other: residuals }))['product']!));
      columnSums(slopes, intercepts(out));
    },
    place(near, out) {
      out.set(near.coefficients);
      intercepts(out).set(near.intercepts);
    },
    weights: (vector) => vector.slice(0, cells),
    async close() {
      await forward.release();
      await backward.release();
    },
  };
}

/** rows · other, or rowsᵀ · other. */
function productGraph(transposed: boolean): Uint8Array {
  const graph = new Graph();
  const rows = graph.input('rows', 'float', ['rows', 'width']);
  const other = graph.input('other', 'float', [transposed ? 'rows' : 'width', 'outputs']);
  const options = { attributes: { transA: Number(transposed) } };
  graph.output('product', graph.node('Gemm', [rows, other], [transposed ? 'width' : 'rows', 'outputs'], options));
  return graph.toBytes();
}
