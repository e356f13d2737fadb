import { type FileHandle, open } from 'node:fs/promises';
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

/** Where a tensor lies: offsets into the bytes behind the header. */
interface Span {
  readonly type: TensorType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** The format's own limit on its header. */
const longestHeader = 100_000_000;
/** Bytes before the header: its length. */
const prefixBytes = 8;
/** How much of a file is read at a time, in bytes. */
const pieceBytes = 4 * 1024 * 1024;

/**
 * Reads a safetensors file: an 8-byte length, a JSON header, then the tensors' bytes without gaps. The tensors share memory with
 * `file`. Throws `corrupt_artifact` for anything the format does not allow, naming `source`.
 */
export function readSafetensors(file: Uint8Array, source: string): Map<string, Tensor> {
  const dataStart = prefixBytes + headerLengthOf(file.subarray(0, prefixBytes), file.byteLength, source);
  const data = file.subarray(dataStart);
  const spans = spansOf(file.subarray(prefixBytes, dataStart), data.byteLength, source);
  return new Map([...spans].map(([name, { type, shape, begin, end }]) => [name, { type, shape, bytes: data.subarray(begin, end) }]));
}

export interface StoredTensor {
  readonly type: TensorType;
  readonly shape: readonly number[];
  /** Where its bytes lie, from the file's start. */
  readonly offset: number;
  readonly length: number;
}

/** A safetensors file of which only the header is in memory. */
export interface SafetensorsFile {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /**
   * The elements of a tensor of F32, F16 or BF16, exactly. Throws `corrupt_artifact` where the file has become shorter, RangeError for
   * a name or type that has no such elements.
   */
  readFloat32(name: string): Promise<Float32Array>;
  close(): Promise<void>;
}

/** Whether `readFloat32` takes a type. */
export function isFloat32Readable(type: TensorType): boolean {
  return type === 'F32' || type === 'F16' || type === 'BF16';
}

/**
 * Opens a file to read its tensors one at a time, so that a large one is never in memory twice. The caller closes it. Throws
 * `corrupt_artifact` as `readSafetensors` does, and the error of the file system.
 */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  const file = await open(path);
  try {
    const size = (await file.stat()).size;
    const prefix = new Uint8Array(Math.min(prefixBytes, size));
    await fill(file, prefix, 0, path);
    const header = new Uint8Array(headerLengthOf(prefix, size, path));
    await fill(file, header, prefixBytes, path);
    const dataStart = prefixBytes + header.byteLength;
    const spans = spansOf(header, size - dataStart, path);
    return {
      tensors: new Map([...spans].map(([name, span]) => [name, stored(span, dataStart)])),
      async readFloat32(name) {
        const span = spans.get(name);
        if (span === undefined || !isFloat32Readable(span.type)) throw new RangeError(`${path} has no numbers named ${name}`);
        const values = new Float32Array((span.end - span.begin) / elementBytes[span.type]);
        if (span.type === 'F32') await fill(file, bytesOf(values), dataStart + span.begin, path);
        else await fillFromHalves(file, values, span.type === 'F16' ? halfToFloat32() : null, dataStart + span.begin, path);
        return values;
      },
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

function stored({ type, shape, begin, end }: Span, dataStart: number): StoredTensor {
  return { type, shape, offset: dataStart + begin, length: end - begin };
}

/** Fills `target` from the file's bytes at `position`. */
async function fill(file: FileHandle, target: Uint8Array, position: number, source: string): Promise<void> {
  for (let filled = 0; filled < target.byteLength; ) {
    const length = Math.min(pieceBytes, target.byteLength - filled);
    const { bytesRead } = await file.read(target, filled, length, position + filled);
    if (bytesRead === 0) throw corrupt(source, `it ends ${target.byteLength - filled} bytes early`);
    filled += bytesRead;
  }
}

/** Fills `values` from 2-byte floats at `position`, widened by `table` or, where it is null, as the upper half of a float32 (BF16). */
async function fillFromHalves(file: FileHandle, values: Float32Array, table: Uint32Array | null, position: number, source: string) {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const piece = new Uint16Array(Math.min(pieceBytes / 2, values.length));
  for (let from = 0; from < values.length; from += piece.length) {
    const halves = piece.subarray(0, Math.min(piece.length, values.length - from));
    await fill(file, new Uint8Array(halves.buffer, 0, halves.byteLength), position + 2 * from, source);
    for (let index = 0; index < halves.length; index++) bits[from + index] = table === null ? halves[index]! << 16 : table[halves[index]!]!;
  }
}

/** The bits of a float32 for each of the 65,536 half-precision floats: all of them are exact. */
function halfToFloat32(): Uint32Array {
  const halves = new Float16Array(Uint16Array.from({ length: 65_536 }, (_, bits) => bits).buffer);
  return new Uint32Array(Float32Array.from(halves).buffer);
}

function corrupt(source: string, problem: string): LlambertError {
  return new LlambertError('corrupt_artifact', `${source} is not a valid safetensors file: ${problem}. Fetch or train it again`, {
    facts: { file: source },
  });
}

/** The header's length by the first 8 bytes of a file of `fileBytes`. */
function headerLengthOf(prefix: Uint8Array, fileBytes: number, source: string): number {
  if (prefix.byteLength < prefixBytes) throw corrupt(source, `it has ${prefix.byteLength} bytes, fewer than the 8 of its header's length`);
  if (Buffer.from(prefix).toString('latin1') === 'version ') {
    throw corrupt(source, 'it is the pointer that Git LFS leaves where a file was not fetched (`git lfs pull` fetches it)');
  }
  const length = new DataView(prefix.buffer, prefix.byteOffset, prefixBytes).getBigUint64(0, true);
  if (length > BigInt(Math.min(longestHeader, fileBytes - prefixBytes)))
    throw corrupt(source, `its header of ${length} bytes does not fit`);
  return Number(length);
}

/** The header's tensors, which must cover `dataBytes` without gap or overlap. */
function spansOf(headerBytes: Uint8Array, dataBytes: number, source: string): Map<string, Span> {
  const fail = (problem: string): never => {
    throw corrupt(source, problem);
  };
  const header = parseHeader(headerBytes);
  if (header === null) return fail('its header is not a JSON object');
  const spans = new Map<string, Span>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as { dtype?: unknown; shape?: unknown; data_offsets?: unknown };
    if (typeof dtype !== 'string' || !Object.hasOwn(elementBytes, dtype)) return fail(`tensor "${name}" has an unknown type`);
    const type = dtype as TensorType;
    if (!isSizes(shape)) return fail(`tensor "${name}" has no valid shape`);
    if (!isSizes(offsets) || offsets.length !== 2 || offsets[0]! > offsets[1]! || offsets[1]! > dataBytes) {
      return fail(`tensor "${name}" lies outside the file`);
    }
    const [begin, end] = offsets as [number, number];
    if (shape.reduce((product, size) => product * size, elementBytes[type]) !== end - begin)
      return fail(`tensor "${name}" has not the bytes of its shape`);
    spans.set(name, { type, shape, begin, end });
  }
  let covered = 0;
  for (const [name, { begin, end }] of [...spans].sort(([, left], [, right]) => left.begin - right.begin || left.end - right.end)) {
    if (begin !== covered) return fail(`tensor "${name}" overlaps another or follows a gap`);
    covered = end;
  }
  if (covered !== dataBytes) return fail(`${dataBytes - covered} bytes belong to no tensor`);
  return spans;
}

/** A safetensors file with the tensors in the given order; equal tensors give equal bytes. */
export function writeSafetensors(tensors: ReadonlyMap<string, Tensor>): Uint8Array {
  const start = startOf(tensors);
  const parts = [...tensors.values()].map(({ bytes }) => bytes);
  return new Uint8Array(Buffer.concat([start, ...parts]));
}

/**
 * Writes the same to a new file, one tensor after the other, so that a large one is not in memory twice, and waits until it is durable.
 * Throws the error of the file system.
 */
export async function saveSafetensors(path: string, tensors: ReadonlyMap<string, Tensor>): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(startOf(tensors));
    for (const { bytes } of tensors.values()) await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** What comes before the tensors' bytes. */
function startOf(tensors: ReadonlyMap<string, Tensor>): Uint8Array {
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
  const start = new Uint8Array(prefixBytes + headerLength).fill(0x20, prefixBytes);
  new DataView(start.buffer).setBigUint64(0, BigInt(headerLength), true);
  start.set(json, prefixBytes);
  return start;
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

export function int8Tensor(shape: readonly number[], values: Int8Array): Tensor {
  return { type: 'I8', shape, bytes: bytesOf(values) };
}

function bytesOf(values: Float32Array | Int32Array | Int8Array): Uint8Array {
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
