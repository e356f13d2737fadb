import { linear } from '../autodiff/operations.ts';
import type { Tape } from '../autodiff/tape.ts';
import { wordTable } from '../encoder/weights.ts';
import type { Value } from '../onnx/graph.ts';

/** What a graph computes its products in: float32, or 8-bit integers (see `quantize.ts`). */
export type Precision = 'fp32' | 'int8';

/** `single`: one text, nothing masked. `batch`: several texts, the shorter ones padded. */
export type Variant = (typeof variants)[number];

export const variants = ['single', 'batch'] as const;

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

const smallestScale = 1e-30;

export const weightReaders: Readonly<Record<Precision, (tape: Tape, placed: PlacedTensors, variant: Variant) => WeightReader>> = {
  fp32,
  int8,
};

function fp32(tape: Tape, placed: PlacedTensors): WeightReader {
  const float = constants(tape, placed, 'float');
  return {
    float,
    words: (ids) => gather(tape, float(wordTable), ids),
    dense: (x, name) => linear(tape, x, float(`${name}.weight`), float(`${name}.bias`)),
  };
}

/**
 * Weights as 8-bit integers with a scale each output, activations quantized anew in each run: operators of the ONNX standard, of which
 * onnxruntime makes fewer. In a batch every token has a scale of its own (Yao et al. 2022, "ZeroQuant", token-wise quantization), so that
 * no text depends on the others. A text alone has one scale for all its tokens, which is coarser, and a seventh faster.
 */
function int8(tape: Tape, placed: PlacedTensors, variant: Variant): WeightReader {
  const float = constants(tape, placed, 'float');
  const integers = constants(tape, placed, 'int8');
  const quantize = variant === 'batch' ? quantizedByToken : quantizedAsWhole;
  /** One activation is read by several products: queries, keys and values. */
  const quantized = new Map<string, Quantized>();
  return {
    float,
    words(ids) {
      const whole = tape.toFloat(gather(tape, integers(wordTable), ids));
      return tape.node('Mul', [whole, gather(tape, float(scaleOf(wordTable)), ids)], whole.shape);
    },
    dense(x, name) {
      const activation = quantized.get(x.name) ?? quantize(tape, x);
      quantized.set(x.name, activation);
      const weight = integers(`${name}.weight`);
      const shape = [x.shape[0]!, weight.shape[1]!];
      const product = tape.node('MatMulInteger', [activation.values, weight, activation.zero], shape, { type: 'int32' });
      // One scale for each output: onnxruntime takes this into the product, and so it comes before the tokens' scales.
      const scales = tape.node('Mul', [activation.scale, float(scaleOf(`${name}.weight`))], [weight.shape[1]!]);
      const scaled = tape.node('Mul', [tape.toFloat(product), scales], shape);
      const y = activation.tokenScales === null ? scaled : tape.node('Mul', [scaled, activation.tokenScales], shape);
      return tape.node('Add', [y, float(`${name}.bias`)], shape);
    },
  };
}

/** An activation x [rows, size] is (values - zero) · scale · tokenScales. */
interface Quantized {
  readonly values: Value;
  readonly zero: Value;
  readonly scale: Value;
  /** [rows, 1] */
  readonly tokenScales: Value | null;
}

/** https://onnx.ai/onnx/operators/onnx__DynamicQuantizeLinear.html */
function quantizedAsWhole(tape: Tape, x: Value): Quantized {
  const outputs = tape.nodeWithOutputs('DynamicQuantizeLinear', [x], [x.shape, [], []], { type: ['uint8', 'float', 'uint8'] });
  const [values, scale, zero] = outputs as [Value, Value, Value];
  return { values, scale, zero, tokenScales: null };
}

/** Symmetric: each row is brought to -1 … 1 by its greatest element, and that to 1 … 255 around 128. */
function quantizedByToken(tape: Tape, x: Value): Quantized {
  const rows = [x.shape[0]!, 1];
  const greatest = tape.node('ReduceMax', [tape.node('Abs', [x], x.shape), tape.integers(-1)], rows, { attributes: { keepdims: 1 } });
  // A row of zeros is divided by something else than 0.
  const tokenScales = tape.node('Max', [greatest, tape.scalar(smallestScale)], rows);
  const scale = tape.scalar(1 / 127);
  const zero = tape.constant('uint8', [], Uint8Array.of(128));
  const unit = tape.node('Div', [x, tokenScales], x.shape);
  return { values: tape.node('QuantizeLinear', [unit, scale, zero], x.shape, { type: 'uint8' }), scale, zero, tokenScales };
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
