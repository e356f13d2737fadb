import {
  AttributeProto,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataLocation as DataLocation,
  TensorProto_DataType as DataType,
  ModelProto,
  NodeProto,
  TensorProto,
  ValueInfoProto,
} from './generated/onnx.ts';

// Writes ONNX models: https://onnx.ai/onnx/repo-docs/IR.html, operators of https://onnx.ai/onnx/operators/.

/** Versions of the format and of its operators that onnxruntime 1.17 and later read. */
const irVersion = 9;
const operatorSet = 20;

const elementTypes = {
  float: DataType.FLOAT,
  int8: DataType.INT8,
  uint8: DataType.UINT8,
  int32: DataType.INT32,
  int64: DataType.INT64,
} as const;

export type ElementType = keyof typeof elementTypes;

/** A size that is known when the graph is built, or the name of one that the inputs decide. */
export type Dimension = number | string;

/** A tensor in a graph: what a node puts out, an input, a constant. */
export interface Value {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly Dimension[];
}

type Attribute = number | { readonly float: number } | readonly number[];

/** Where a constant's bytes lie: a span of a file beside the model's. */
export interface ExternalData {
  readonly file: string;
  readonly offset: number;
  readonly length: number;
}

/** An ONNX model in the making: nodes are added in the order they will run in. */
export class Graph {
  readonly #nodes: NodeProto[] = [];
  readonly #initializers: TensorProto[] = [];
  readonly #inputs: Value[] = [];
  /** Value by the name that the outside knows it by. */
  readonly #outputs = new Map<string, Value>();
  readonly #scalars = new Map<string, Value>();
  readonly #sizes = new Map<string, Value>();
  #named = 0;

  input(name: string, type: ElementType, shape: readonly Dimension[]): Value {
    const value = { name, type, shape };
    this.#inputs.push(value);
    return value;
  }

  constant(type: ElementType, shape: readonly number[], bytes: Uint8Array, name = this.#fresh('constant')): Value {
    this.#initializers.push(TensorProto.fromPartial({ name, dims: [...shape], dataType: elementTypes[type], rawData: Buffer.from(bytes) }));
    return { name, type, shape };
  }

  /** A constant that stays in another file, from which onnxruntime maps it. */
  externalConstant(name: string, type: ElementType, shape: readonly number[], { file, offset, length }: ExternalData): Value {
    const externalData = Object.entries({ location: file, offset: `${offset}`, length: `${length}` }).map(([key, value]) => ({
      key,
      value,
    }));
    this.#initializers.push(
      TensorProto.fromPartial({ name, dims: [...shape], dataType: elementTypes[type], dataLocation: DataLocation.EXTERNAL, externalData }),
    );
    return { name, type, shape };
  }

  /** A float constant of no dimensions; equal numbers are one constant. */
  scalar(number: number): Value {
    return this.#once(this.#scalars, `float ${number}`, () => this.constant('float', [], bytesOf(new Float32Array([number]))));
  }

  /** An int64 constant of one dimension: the axes, shapes and bounds that operators take as inputs. */
  integers(...numbers: readonly number[]): Value {
    return this.#once(this.#scalars, `int64 ${numbers}`, () =>
      this.constant('int64', [numbers.length], bytesOf(BigInt64Array.from(numbers, BigInt))),
    );
  }

  /** Adds a node with one output. */
  node(
    operator: string,
    inputs: readonly Value[],
    shape: readonly Dimension[],
    options: { readonly attributes?: Readonly<Record<string, Attribute>>; readonly type?: ElementType } = {},
  ): Value {
    const type = options.type ?? inputs[0]!.type;
    const [output] = this.nodeWithOutputs(operator, inputs, [shape], { ...options, type });
    return output!;
  }

  /** The value in float32. */
  toFloat(value: Value): Value {
    return this.node('Cast', [value], value.shape, { type: 'float', attributes: { to: DataType.FLOAT } });
  }

  /** Adds a node with several outputs, of one type or of one each. */
  nodeWithOutputs(
    operator: string,
    inputs: readonly Value[],
    shapes: readonly (readonly Dimension[])[],
    options: { readonly attributes?: Readonly<Record<string, Attribute>>; readonly type: ElementType | readonly ElementType[] },
  ): Value[] {
    const typeOf = (index: number) => (typeof options.type === 'string' ? options.type : options.type[index]!);
    const outputs = shapes.map((shape, index) => ({ name: this.#fresh(operator), type: typeOf(index), shape }));
    this.#nodes.push(
      NodeProto.fromPartial({
        opType: operator,
        input: inputs.map(({ name }) => name),
        output: outputs.map(({ name }) => name),
        attribute: Object.entries(options.attributes ?? {}).map(([name, value]) => attribute(name, value)),
      }),
    );
    return outputs;
  }

  /** Says that the named size is the size of `value` along `axis`: lets `reshape` use it where a shape has more than one named size. */
  bindSize(name: string, value: Value, axis: number): void {
    const shape = this.node('Shape', [value], [1], { type: 'int64', attributes: { start: axis, end: axis + 1 } });
    this.#sizes.set(name, shape);
  }

  /** The shape as an int64 tensor. Throws RangeError for a named size that nothing was bound to. */
  shapeTensor(shape: readonly Dimension[]): Value {
    if (shape.every((size) => typeof size === 'number')) return this.integers(...shape);
    return this.#once(this.#sizes, `shape ${shape.join(' ')}`, () =>
      this.node(
        'Concat',
        shape.map((size) => this.size(size)),
        [shape.length],
        { attributes: { axis: 0 } },
      ),
    );
  }

  /** A size as an int64 tensor of one element. Throws RangeError for a named size that nothing was bound to. */
  size(size: Dimension): Value {
    if (typeof size === 'number') return this.integers(size);
    const bound = this.#sizes.get(size);
    if (bound === undefined) throw new RangeError(`the size ${size} is not bound to any input`);
    return bound;
  }

  /** Gives the value out under a name of its own. The value itself is renamed: an Identity node would copy it. */
  output(name: string, value: Value): void {
    if (this.#outputs.has(name)) throw new RangeError(`the graph has an output ${name} already`);
    this.#outputs.set(name, value);
  }

  /** The model in the ONNX file format. */
  toBytes(): Uint8Array {
    const renamed = new Map<string, string>();
    for (const [name, value] of this.#outputs) {
      if (renamed.has(value.name)) throw new RangeError(`one value cannot be both output ${renamed.get(value.name)} and output ${name}`);
      renamed.set(value.name, name);
    }
    const nameOf = (name: string) => renamed.get(name) ?? name;
    const node = this.#inOrder().map((each) => ({ ...each, input: each.input.map(nameOf), output: each.output.map(nameOf) }));
    const model = ModelProto.fromPartial({
      irVersion,
      producerName: 'llambert',
      opsetImport: [{ domain: '', version: operatorSet }],
      graph: {
        name: 'llambert',
        node,
        initializer: this.#initializers,
        input: this.#inputs.map((value) => valueInfo(value.name, value)),
        output: [...this.#outputs].map(([name, value]) => valueInfo(name, value)),
      },
    });
    return ModelProto.encode(model).finish();
  }

  /**
   * The nodes in an order that makes onnxruntime compute what is put out in the order in which it was made. It goes by the nodes that no
   * other reads, from the last in the file to the first, and computes before each what it needs. Unasked, it would go through a whole backward
   * pass before the first layer's weights got their gradients, and hold what each layer's need until then.
   */
  #inOrder(): NodeProto[] {
    const read = new Set(this.#nodes.flatMap(({ input }) => input));
    const isRead = ({ output }: NodeProto) => output.some((name) => read.has(name));
    return [...this.#nodes.filter(isRead), ...this.#nodes.filter((each) => !isRead(each)).toReversed()];
  }

  #fresh(stem: string): string {
    return `${stem}.${this.#named++}`;
  }

  #once(made: Map<string, Value>, key: string, make: () => Value): Value {
    const value = made.get(key) ?? make();
    made.set(key, value);
    return value;
  }
}

function valueInfo(name: string, { type, shape }: Value): ValueInfoProto {
  const dim = shape.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }));
  return ValueInfoProto.fromPartial({ name, type: { tensorType: { elemType: elementTypes[type], shape: { dim } } } });
}

function attribute(name: string, value: Attribute): AttributeProto {
  if (typeof value === 'number') return AttributeProto.fromPartial({ name, type: AttributeType.INT, i: value });
  if ('float' in value) return AttributeProto.fromPartial({ name, type: AttributeType.FLOAT, f: value.float });
  return AttributeProto.fromPartial({ name, type: AttributeType.INTS, ints: [...value] });
}

function bytesOf(values: Float32Array | BigInt64Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
