import { linear } from '../autodiff/operations.ts';
import type { Tape } from '../autodiff/tape.ts';
import { wordTable } from '../fine-tuning/training-graph.ts';
import type { Value } from '../onnx/graph.ts';

/** What a graph computes its products in: float32, or 8-bit integers (see `quantize.ts`). */
export type Precision = 'fp32' | 'int8';

/** Tensors in files that a graph is to point into, by name. */
export type PlacedTensors = ReadonlyMap<string, PlacedTensor>;

export interface PlacedTensor {
  readonly shape: readonly number[];
  /** Name of the file, in the graph's folder. */
  readonly file: string;
  /** Where the bytes lie, from the file's start. */
  readonly offset: number;
  readonly length: number;
}

/** How a graph uses weights of some precision. Names are the canonical ones. */
export interface WeightReader {
  /** A tensor that every precision keeps in float32. */
  readonly float: (name: string) => Value;
  /** Word embeddings [...ids, hidden]. */
  readonly words: (ids: Value) => Value;
  /** x·Wᵀ + b: x [rows, in] → [rows, out]. */
  readonly dense: (x: Value, name: string) => Value;
}

export const scaleOf = (weight: string): string => `${weight}.scale`;

export const weightReaders: Readonly<Record<Precision, (tape: Tape, placed: PlacedTensors) => WeightReader>> = { fp32, int8 };

function fp32(tape: Tape, placed: PlacedTensors): WeightReader {
  const float = constants(tape, placed, 'float');
  return {
    float,
    words: (ids) => gather(tape, float(wordTable), ids),
    dense: (x, name) => linear(tape, x, float(`${name}.weight`), float(`${name}.bias`)),
  };
}

/**
 * Weights as 8-bit integers with a scale each output, activations quantized anew in each run with one scale for all of x: operators
 * DynamicQuantizeLinear and MatMulInteger of the ONNX standard, which onnxruntime makes one of.
 */
function int8(tape: Tape, placed: PlacedTensors): WeightReader {
  const float = constants(tape, placed, 'float');
  const integers = constants(tape, placed, 'int8');
  /** One activation is read by several products: queries, keys and values. */
  const quantized = new Map<string, readonly [Value, Value, Value]>();
  const quantize = (x: Value) => {
    const made = quantized.get(x.name) ?? dynamicallyQuantized(tape, x);
    quantized.set(x.name, made);
    return made;
  };
  return {
    float,
    words(ids) {
      const whole = tape.toFloat(gather(tape, integers(wordTable), ids));
      return tape.node('Mul', [whole, gather(tape, float(scaleOf(wordTable)), ids)], whole.shape);
    },
    dense(x, name) {
      const weight = integers(`${name}.weight`);
      const [values, scale, zero] = quantize(x);
      const shape = [x.shape[0]!, weight.shape[1]!];
      const product = tape.node('MatMulInteger', [values, weight, zero], shape, { type: 'int32' });
      const scales = tape.node('Mul', [scale, float(scaleOf(`${name}.weight`))], [weight.shape[1]!]);
      const y = tape.node('Mul', [tape.toFloat(product), scales], shape);
      return tape.node('Add', [y, float(`${name}.bias`)], shape);
    },
  };
}

function constants(tape: Tape, placed: PlacedTensors, type: 'float' | 'int8'): (name: string) => Value {
  const made = new Map<string, Value>();
  return (name) => {
    const at = placed.get(name);
    if (at === undefined) throw new RangeError(`there is no tensor ${name}`);
    const value = made.get(name) ?? tape.externalConstant(name, type, at.shape, at);
    made.set(name, value);
    return value;
  };
}

/** Rows of a table [n, width], one for each of `ids` → [...ids, width]. */
export function gather(tape: Tape, table: Value, ids: Value): Value {
  return tape.node('Gather', [table, ids], [...ids.shape, ...table.shape.slice(1)]);
}

function dynamicallyQuantized(tape: Tape, x: Value): readonly [values: Value, scale: Value, zero: Value] {
  const outputs = tape.nodeWithOutputs('DynamicQuantizeLinear', [x], [x.shape, [], []], { type: ['uint8', 'float', 'uint8'] });
  return outputs as [Value, Value, Value];
}
