import { type Dimension, Graph, type Value } from '../onnx/graph.ts';

/** How one input of an operation takes part in it: from the gradient of the output to the gradient of the input, as further nodes. */
export type InputGradient = readonly [input: Value, backward: (outputGradient: Value) => Value];

/**
 * A graph that remembers how its values came about, so that it can be continued by the gradient of one of them: reverse-mode automatic
 * differentiation (Linnainmaa 1976; Baydin et al. 2018, "Automatic Differentiation in Machine Learning: a Survey", section 3.2), with
 * the backward pass as nodes of the same graph.
 */
export class Tape extends Graph {
  readonly #operations: { readonly output: Value; readonly inputs: readonly InputGradient[] }[] = [];
  readonly #remakes = new Map<string, () => Value>();

  /** Notes how the gradient of `output` flows back to the inputs that it depends on differentiably. Returns `output`. */
  record(output: Value, ...inputs: readonly InputGradient[]): Value {
    this.#operations.push({ output, inputs });
    return output;
  }

  /**
   * Notes how `value` can be made again from values that the backward pass keeps in any case: it need not be kept itself then (Chen et al. 2016,
   * "Training Deep Nets with Sublinear Memory Cost", for what costs next to nothing). The nodes must differ from those that made it first,
   * or onnxruntime takes the two for one. Returns `value`.
   */
  remakeable(value: Value, remake: () => Value): Value {
    this.#remakes.set(value.name, once(remake));
    return value;
  }

  /** The value for use in a backward pass: made again where it can be. */
  again(value: Value): Value {
    return this.#remakes.get(value.name)?.() ?? value;
  }

  /** The gradients of a loss of one element with respect to each of `sources`. Throws RangeError where the loss does not depend on one. */
  gradients(loss: Value, sources: readonly Value[]): Value[] {
    // Only what lies between the sources and the loss is worth nodes.
    const reached = new Set(sources.map(({ name }) => name));
    for (const { output, inputs } of this.#operations) if (inputs.some(([input]) => reached.has(input.name))) reached.add(output.name);

    const gradients = new Map<string, Value>([[loss.name, this.scalar(1)]]);
    for (const { output, inputs } of this.#operations.toReversed()) {
      const outputGradient = gradients.get(output.name);
      if (outputGradient === undefined) continue;
      for (const [input, backward] of inputs) {
        if (!reached.has(input.name)) continue;
        const gradient = backward(outputGradient);
        const sum = gradients.get(input.name);
        gradients.set(input.name, sum === undefined ? gradient : this.node('Add', [sum, gradient], input.shape));
      }
    }
    return sources.map(({ name }) => {
      const gradient = gradients.get(name);
      if (gradient === undefined) throw new RangeError(`the loss does not depend on ${name}`);
      return gradient;
    });
  }
}

/** A value that is made when it is first wanted. */
export function once(make: () => Value): () => Value {
  let made: Value | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

export type Shape = readonly Dimension[];
