import { LlambertError } from '@llambert/domain';

/** Bytes of an element of each data type that the safetensors format knows. */
const elementBytes = { BOOL: 1, U8: 1, I8: 1, U16: 2, I16: 2, F16: 2, BF16: 2, U32: 4, I32: 4, F32: 4, U64: 8, I64: 8, F64: 8 } as const;

export type TensorType = keyof typeof elementBytes;

export interface Tensor {
  readonly type: TensorType;
  readonly shape: readonly number[];
  /** The elements, little-endian, in row-major order. */
  readonly bytes: Uint8Array;
}

/** The format's own limit on its header. */
const longestHeader = 100_000_000;

/**
 * Reads a safetensors file: an 8-byte length, a JSON header, then the tensors' bytes without gaps. The tensors share memory with
 * `file`. Throws `corrupt_artifact` for anything the format does not allow, naming `source`.
 */
export function readSafetensors(file: Uint8Array, source: string): Map<string, Tensor> {
  const fail = (problem: string): never => {
    throw new LlambertError('corrupt_artifact', `${source} is not a valid safetensors file: ${problem}. Fetch or train it again`, {
      facts: { file: source },
    });
  };
  if (file.byteLength < 8) return fail(`it has ${file.byteLength} bytes, fewer than the 8 of its header's length`);
  const headerLength = new DataView(file.buffer, file.byteOffset, 8).getBigUint64(0, true);
  if (headerLength > BigInt(Math.min(longestHeader, file.byteLength - 8))) return fail(`its header of ${headerLength} bytes does not fit`);
  const dataStart = 8 + Number(headerLength);
  const data = file.subarray(dataStart);
  const header = parseHeader(file.subarray(8, dataStart));
  if (header === null) return fail('its header is not a JSON object');

  const tensors = new Map<string, Tensor>();
  const spans: { name: string; begin: number; end: number }[] = [];
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as { dtype?: unknown; shape?: unknown; data_offsets?: unknown };
    if (typeof dtype !== 'string' || !Object.hasOwn(elementBytes, dtype)) return fail(`tensor "${name}" has an unknown type`);
    const type = dtype as TensorType;
    if (!isSizes(shape)) return fail(`tensor "${name}" has no valid shape`);
    if (!isSizes(offsets) || offsets.length !== 2 || offsets[0]! > offsets[1]! || offsets[1]! > data.byteLength) {
      return fail(`tensor "${name}" lies outside the file`);
    }
    const [begin, end] = offsets as [number, number];
    if (shape.reduce((product, size) => product * size, elementBytes[type]) !== end - begin)
      return fail(`tensor "${name}" has not the bytes of its shape`);
    spans.push({ name, begin, end });
    tensors.set(name, { type, shape, bytes: data.subarray(begin, end) });
  }
  spans.sort((left, right) => left.begin - right.begin || left.end - right.end);
  let covered = 0;
  for (const { name, begin, end } of spans) {
    if (begin !== covered) return fail(`tensor "${name}" overlaps another or follows a gap`);
    covered = end;
  }
  if (covered !== data.byteLength) return fail(`${data.byteLength - covered} bytes belong to no tensor`);
  return tensors;
}

/** A safetensors file with the tensors in the given order; equal tensors give equal bytes. */
export function writeSafetensors(tensors: ReadonlyMap<string, Tensor>): Uint8Array {
  const header: Record<string, unknown> = {};
  let offset = 0;
  for (const [name, { type, shape, bytes }] of tensors) {
    if (shape.reduce((product, size) => product * size, elementBytes[type]) !== bytes.byteLength) {
      throw new RangeError(`tensor ${name}: ${bytes.byteLength} bytes do not fill its shape [${shape}] of ${type}`);
    }
    header[name] = { dtype: type, shape, data_offsets: [offset, offset + bytes.byteLength] };
    offset += bytes.byteLength;
  }
  const json = Buffer.from(JSON.stringify(header), 'utf8');
  // Spaces bring the data to a multiple of 8, so that a reader may map it as it is.
  const headerLength = Math.ceil(json.byteLength / 8) * 8;
  const file = new Uint8Array(8 + headerLength + offset).fill(0x20, 8, 8 + headerLength);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerLength), true);
  file.set(json, 8);
  let position = 8 + headerLength;
  for (const { bytes } of tensors.values()) {
    file.set(bytes, position);
    position += bytes.byteLength;
  }
  return file;
}

export function float32Tensor(shape: readonly number[], values: Float32Array): Tensor {
  return { type: 'F32', shape, bytes: bytesOf(values) };
}

export function int32Tensor(shape: readonly number[], values: Int32Array): Tensor {
  return { type: 'I32', shape, bytes: bytesOf(values) };
}

/** The elements of an F32 tensor, copied: a tensor in a file need not be aligned. */
export function float32Values(tensor: Tensor): Float32Array {
  if (tensor.type !== 'F32') throw new RangeError(`a tensor of ${tensor.type} was read as F32`);
  return new Float32Array(new Uint8Array(tensor.bytes).buffer);
}

export function int32Values(tensor: Tensor): Int32Array {
  if (tensor.type !== 'I32') throw new RangeError(`a tensor of ${tensor.type} was read as I32`);
  return new Int32Array(new Uint8Array(tensor.bytes).buffer);
}

function bytesOf(values: Float32Array | Int32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function parseHeader(bytes: Uint8Array): Record<string, unknown> | null {
  try {
    const header: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return header !== null && typeof header === 'object' && !Array.isArray(header) ? (header as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}
