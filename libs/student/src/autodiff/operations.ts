import type { Dimension, Value } from '../onnx/graph.ts';
import { once, type Shape, type Tape } from './tape.ts';

// The differentiable operations: each adds its forward nodes and says how its gradient flows back. dy is the gradient of the output.

/** x·Wᵀ + b, as PyTorch's Linear: x [rows, in], W [out, in], b [out] → [rows, out]. */
export function linear(tape: Tape, x: Value, weight: Value, bias: Value): Value {
  const [rows, inner] = x.shape;
  const outer = weight.shape[0];
  const y = tape.node('Gemm', [x, weight, bias], [rows!, outer!], { attributes: { transB: 1 } });
  return tape.record(
    y,
    [x, (dy) => tape.node('Gemm', [dy, weight], [rows!, inner!])],
    [weight, (dy) => tape.node('Gemm', [dy, tape.again(x)], weight.shape, { attributes: { transA: 1 } })],
    [bias, (dy) => sumTo(tape, dy, bias.shape)],
  );
}

/** Matrix products over the last two axes, all others alike: [..., m, k] · [..., k, n] → [..., m, n]. */
export function matMul(tape: Tape, left: Value, right: Value): Value {
  const y = product(tape, left, right);
  return tape.record(
    y,
    [left, (dy) => product(tape, dy, swapLastAxes(tape, tape.again(right)))],
    [
      right,
      (dy) =>
        left.shape.length === 2
          ? tape.node('Gemm', [tape.again(left), dy], right.shape, { attributes: { transA: 1 } })
          : product(tape, swapLastAxes(tape, tape.again(left)), dy),
    ],
  );
}

function product(tape: Tape, left: Value, right: Value): Value {
  return tape.node('MatMul', [left, right], [...left.shape.slice(0, -1), right.shape.at(-1)!]);
}

/** onnxruntime takes a swap of the last two axes into the product that reads it. */
function swapLastAxes(tape: Tape, x: Value): Value {
  const last = x.shape.length - 1;
  const permutation = [...x.shape.keys()];
  permutation.splice(last - 1, 2, last, last - 1);
  return permuted(tape, x, permutation);
}

function permuted(tape: Tape, x: Value, permutation: readonly number[]): Value {
  const shape = permutation.map((axis) => x.shape[axis]!);
  return tape.node('Transpose', [x], shape, { attributes: { perm: permutation } });
}

/** Axis i of the output is axis `permutation[i]` of x. */
export function transpose(tape: Tape, x: Value, permutation: readonly number[]): Value {
  const inverse = permutation.map((_, axis) => permutation.indexOf(axis));
  return tape.record(permuted(tape, x, permutation), [x, (dy) => permuted(tape, dy, inverse)]);
}

export function reshape(tape: Tape, x: Value, shape: Shape): Value {
  const y = reshaped(tape, x, shape);
  return tape.record(y, [x, (dy) => reshaped(tape, dy, x.shape)]);
}

function reshaped(tape: Tape, x: Value, shape: Shape): Value {
  // One size that is not known yet is left for the operator to find out (-1): that costs no nodes.
  const inferable = shape.filter((size) => typeof size === 'string').length <= 1;
  const wanted = inferable ? tape.integers(...shape.map((size) => (typeof size === 'number' ? size : -1))) : tape.shapeTensor(shape);
  return tape.node('Reshape', [x, wanted], shape);
}

/** The first `count` rows of the first axis. */
export function firstRows(tape: Tape, x: Value, count: Dimension): Value {
  const [rows, ...rest] = x.shape;
  const y = tape.node('Slice', [x, tape.integers(0), tape.size(count), tape.integers(0)], [count, ...rest]);
  const padded = (dy: Value) => {
    const missing = tape.node('Sub', [tape.size(rows!), tape.size(count)], [1], { type: 'int64' });
    const before = tape.integers(...x.shape.map(() => 0));
    const after = rest.length === 0 ? [missing] : [missing, tape.integers(...rest.map(() => 0))];
    const pads = tape.node('Concat', [before, ...after], [2 * x.shape.length], { attributes: { axis: 0 } });
    return tape.node('Pad', [dy, pads], x.shape);
  };
  return tape.record(y, [x, padded]);
}

/** x + y; y may be repeated along x's axes as numpy broadcasts. The result has x's shape. */
export function add(tape: Tape, x: Value, y: Value): Value {
  const sum = tape.node('Add', [x, y], x.shape);
  return tape.record(sum, [x, (dy) => dy], [y, (dy) => sumTo(tape, dy, y.shape)]);
}

/** x · y, element by element; y may be repeated along x's axes as numpy broadcasts. The result has x's shape. */
export function multiply(tape: Tape, x: Value, y: Value): Value {
  const times = (left: Value, right: Value) => tape.node('Mul', [left, right], x.shape);
  const product = tape.remakeable(times(x, y), () => times(y, tape.again(x)));
  return tape.record(product, [x, (dy) => times(dy, y)], [y, (dy) => sumTo(tape, times(dy, x), y.shape)]);
}

export function scale(tape: Tape, x: Value, factor: number): Value {
  const scaled = (value: Value) => tape.node('Mul', [value, tape.scalar(factor)], x.shape);
  return tape.record(scaled(x), [x, scaled]);
}

/** Sum along one axis, which the result keeps with size 1. */
export function sumAlong(tape: Tape, x: Value, axis: number): Value {
  const shape = x.shape.with(axis, 1);
  const y = tape.node('ReduceSum', [x, tape.integers(axis)], shape, { attributes: { keepdims: 1 } });
  const repeats = x.shape.map((size, other) => (other === axis ? size : 1));
  return tape.record(y, [x, (dy) => tape.node('Expand', [dy, tape.shapeTensor(repeats)], x.shape)]);
}

/** Sum of all elements → []. */
export function sum(tape: Tape, x: Value): Value {
  const y = tape.node('ReduceSum', [x], [], { attributes: { keepdims: 0 } });
  return tape.record(y, [x, (dy) => tape.node('Expand', [dy, tape.shapeTensor(x.shape)], x.shape)]);
}

/**
 * The values that attention's shares mix: the softmax of scores [texts, heads, length, tokens] along the last axis, times a mask of the same
 * shape (dropout; null: none), times values [texts, heads, tokens, size] → [length, texts, heads, size].
 */
export function attend(tape: Tape, scores: Value, mask: Value | null, values: Value): Value {
  const times = (left: Value, right: Value) => tape.node('Mul', [left, right], scores.shape);
  const shares = tape.node('Softmax', [scores], scores.shape, { attributes: { axis: -1 } });
  const kept = mask === null ? shares : tape.remakeable(times(shares, mask), () => times(mask, shares));
  const mixed = permuted(tape, product(tape, kept, values), [2, 0, 1, 3]);
  const inTexts = (x: Value) => permuted(tape, x, [1, 2, 0, 3]);
  return tape.record(
    mixed,
    [
      scores,
      // dz = s ⊙ (ds − Σ ds ⊙ s), and that sum over the tokens is dy · y, the sum over a row of what was mixed (Dao et al. 2022, "FlashAttention",
      // appendix B.2): a hundredth of the numbers.
      (dy) => {
        const toKept = product(tape, inTexts(dy), swapLastAxes(tape, values));
        const toShares = mask === null ? toKept : times(toKept, mask);
        const total = inTexts(sumLast(tape, tape.node('Mul', [dy, mixed], mixed.shape)));
        return times(shares, tape.node('Sub', [toShares, total], scores.shape));
      },
    ],
    [values, (dy) => product(tape, swapLastAxes(tape, tape.again(kept)), inTexts(dy))],
  );
}

/** Logarithm of the softmax along the last axis. */
export function logSoftmax(tape: Tape, x: Value): Value {
  const y = tape.node('LogSoftmax', [x], x.shape, { attributes: { axis: -1 } });
  // dx = dy − softmax(x) · Σ dy
  return tape.record(y, [
    x,
    (dy) => {
      const spread = tape.node('Mul', [tape.node('Exp', [y], x.shape), sumLast(tape, dy)], x.shape);
      return tape.node('Sub', [dy, spread], x.shape);
    },
  ]);
}

export function exp(tape: Tape, x: Value): Value {
  const y = tape.node('Exp', [x], x.shape);
  return tape.record(y, [x, (dy) => tape.node('Mul', [dy, y], x.shape)]);
}

/** ln(1 + eˣ), whose slope is the logistic function. */
export function softplus(tape: Tape, x: Value): Value {
  const y = tape.node('Softplus', [x], x.shape);
  return tape.record(y, [x, (dy) => tape.node('Mul', [dy, tape.node('Sigmoid', [x], x.shape)], x.shape)]);
}

/** x·Φ(x) with the exact Φ (Hendrycks & Gimpel 2016, "Gaussian Error Linear Units"): what BERT and RoBERTa call gelu. */
export function gelu(tape: Tape, x: Value): Value {
  const node = (operator: string, ...inputs: readonly Value[]) => tape.node(operator, inputs, x.shape);
  // u = x/√2 and Φ(x) = ½ (1 + erf(u)), for the backward pass.
  const scaled = once(() => node('Mul', x, tape.scalar(Math.SQRT1_2)));
  const share = once(() => node('Add', node('Mul', node('Erf', scaled()), tape.scalar(0.5)), tape.scalar(0.5)));
  const y = tape.remakeable(node('Gelu', x), () => node('Mul', x, share()));
  // dx = dy ⊙ (Φ(x) + x φ(x)) with x φ(x) = u exp(−u²)/√π = u exp(−ln √π − u²)
  return tape.record(y, [
    x,
    (dy) => {
      const u = scaled();
      const bell = node('Exp', node('Sub', tape.scalar(-Math.log(Math.PI) / 2), node('Mul', u, u)));
      return node('Mul', dy, node('Add', share(), node('Mul', u, bell)));
    },
  ]);
}

/** Layer normalization over the last axis (Ba et al. 2016): x [rows, size], weight and bias [size]. */
export function layerNorm(tape: Tape, x: Value, weight: Value, bias: Value, epsilon: number): Value {
  const statistics = x.shape.with(-1, 1);
  const attributes = { axis: -1, epsilon: { float: epsilon } };
  const outputs = tape.nodeWithOutputs('LayerNormalization', [x, weight, bias], [x.shape, statistics, statistics], {
    attributes,
    type: 'float',
  });
  const [y, mean, inverseDeviation] = outputs as [Value, Value, Value];
  const node = (operator: string, ...inputs: readonly Value[]) => tape.node(operator, inputs, x.shape);
  const standard = once(() => node('Mul', node('Sub', x, mean), inverseDeviation));
  tape.remakeable(y, () => node('Add', node('Mul', standard(), weight), bias));
  return tape.record(
    y,
    [
      x,
      // With g = dy ⊙ weight and z the standardized x: dx = (g − mean(g) − z ⊙ mean(g ⊙ z)) / deviation
      (dy) => {
        const z = standard();
        const g = node('Mul', dy, weight);
        const along = node('Mul', z, meanLast(tape, node('Mul', g, z)));
        return node('Mul', node('Sub', node('Sub', g, meanLast(tape, g)), along), inverseDeviation);
      },
    ],
    [weight, (dy) => sumTo(tape, node('Mul', dy, standard()), weight.shape)],
    [bias, (dy) => sumTo(tape, dy, bias.shape)],
  );
}

function sumLast(tape: Tape, x: Value): Value {
  return tape.node('ReduceSum', [x, tape.integers(-1)], x.shape.with(-1, 1), { attributes: { keepdims: 1 } });
}

function meanLast(tape: Tape, x: Value): Value {
  return tape.node('ReduceMean', [x, tape.integers(-1)], x.shape.with(-1, 1), { attributes: { keepdims: 1 } });
}

/** Sums a gradient over the axes that its value was repeated along. */
function sumTo(tape: Tape, gradient: Value, shape: Shape): Value {
  const added = gradient.shape.length - shape.length;
  const repeated = [...gradient.shape.keys()].filter((axis) => axis < added || (shape[axis - added] === 1 && gradient.shape[axis] !== 1));
  if (repeated.length === 0) return gradient;
  const leading = repeated.filter((axis) => axis < added);
  const kept = repeated.filter((axis) => axis >= added);
  let result = gradient;
  if (kept.length > 0) {
    const keptShape = result.shape.map((size, axis) => (kept.includes(axis) ? 1 : size));
    result = tape.node('ReduceSum', [result, tape.integers(...kept)], keptShape, { attributes: { keepdims: 1 } });
  }
  if (leading.length > 0) result = tape.node('ReduceSum', [result, tape.integers(...leading)], shape, { attributes: { keepdims: 0 } });
  return result;
}
