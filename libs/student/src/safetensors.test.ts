import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  float32Tensor,
  float32Values,
  int8Tensor,
  int32Tensor,
  int32Values,
  openSafetensors,
  readSafetensors,
  saveSafetensors,
  type Tensor,
  writeSafetensors,
} from './safetensors.ts';

/** A file with this header, as text, and so many bytes of data. */
function fileOf(header: string, dataBytes: number, headerLength = Buffer.byteLength(header)): Uint8Array {
  const bytes = Buffer.alloc(8 + Buffer.byteLength(header) + dataBytes);
  bytes.writeBigUInt64LE(BigInt(headerLength), 0);
  bytes.write(header, 8);
  return bytes;
}

const corrupt = expect.objectContaining({ code: 'corrupt_artifact', message: expect.stringContaining('model.safetensors') });

describe('safetensors', () => {
  it('come back as they were written, at any alignment', () => {
    const name = fc
      .string({ minLength: 1, unit: 'binary' })
      .filter((own) => own !== '__metadata__' && own !== '__proto__' && own.isWellFormed());
    const tensor = fc.oneof(
      fc.array(fc.float({ noNaN: true })).map((values) => float32Tensor([values.length], Float32Array.from(values))),
      fc.array(fc.integer()).map((values) => int32Tensor([1, values.length], Int32Array.from(values))),
      fc.uint8Array().map((bytes): Tensor => ({ type: 'U8', shape: [bytes.length], bytes })),
    );
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(name, tensor), { selector: ([own]) => own }), fc.nat(7), (entries, shift) => {
        const file = writeSafetensors(new Map(entries));
        const shifted = new Uint8Array(shift + file.length);
        shifted.set(file, shift);
        const read = readSafetensors(shifted.subarray(shift), 'model.safetensors');
        expect(new Map([...read].map(([own, { type, shape, bytes }]) => [own, { type, shape, bytes: [...bytes] }]))).toEqual(
          new Map(entries.map(([own, { type, shape, bytes }]) => [own, { type, shape, bytes: [...bytes] }])),
        );
      }),
    );
  });

  it('are the same in a file, where each tensor lies at its offset', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'llambert-safetensors-'));
    try {
      const tensors = new Map([
        ['f', float32Tensor([2], Float32Array.of(1.5, -0))],
        ['b', int8Tensor([1, 3], Int8Array.of(1, -127, 0))],
      ]);
      const path = join(folder, 'model.safetensors');
      await saveSafetensors(path, tensors);
      const bytes = new Uint8Array(await readFile(path));
      expect(bytes).toEqual(writeSafetensors(tensors));
      const file = await openSafetensors(path);
      await file.close();
      for (const [name, { offset, length }] of file.tensors) {
        expect([...bytes.subarray(offset, offset + length)]).toEqual([...tensors.get(name)!.bytes]);
      }
      expect(file.tensors.get('f')!.offset % 8).toBe(0);
      await expect(saveSafetensors(path, tensors)).rejects.toMatchObject({ code: 'EEXIST' });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('give their numbers', () => {
    const file = writeSafetensors(
      new Map([
        ['f', float32Tensor([2, 1], Float32Array.of(1.5, -0))],
        ['i', int32Tensor([1], Int32Array.of(-7))],
      ]),
    );
    expect(file.length % 8).toBe(4);
    const read = readSafetensors(file, 'model.safetensors');
    expect(float32Values(read.get('f')!)).toEqual(Float32Array.of(1.5, -0));
    expect(int32Values(read.get('i')!)).toEqual(Int32Array.of(-7));
    expect(() => float32Values(read.get('i')!)).toThrow(RangeError);
  });

  it('written by others are read: metadata, other types, scalars', () => {
    const header =
      '{"__metadata__":{"format":"pt"},"h":{"dtype":"BF16","shape":[2,1],"data_offsets":[4,8]},"s":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}  ';
    const read = readSafetensors(fileOf(header, 8), 'model.safetensors');
    expect(read.get('h')).toMatchObject({ type: 'BF16', shape: [2, 1] });
    expect(read.get('s')!.bytes.length).toBe(4);
  });

  it('are not written where the bytes do not fill the shape', () => {
    expect(() => writeSafetensors(new Map([['x', float32Tensor([3], new Float32Array(2))]]))).toThrow(RangeError);
  });

  const entry = (offsets: string, shape = '[1]', dtype = '"F32"') => `{"x":{"dtype":${dtype},"shape":${shape},"data_offsets":${offsets}}}`;
  it.each([
    ['nothing', new Uint8Array(0)],
    ['no room for a length', new Uint8Array(7)],
    ['a header beyond the end', fileOf('{}', 0, 3)],
    ['a header beyond all numbers', fileOf('{}', 0, Number.MAX_SAFE_INTEGER)],
    ['no JSON', fileOf('{', 0)],
    ['no UTF-8', fileOf('{"\u0000"}', 0).map((byte) => (byte === 0x22 ? 0xff : byte))],
    ['a list', fileOf('[]', 0)],
    ['null', fileOf('null', 0)],
    ['an entry that is none', fileOf('{"x":null}', 0)],
    ['an unknown type', fileOf(entry('[0,4]', '[1]', '"F31"'), 4)],
    ["a type of the prototype's", fileOf(entry('[0,4]', '[1]', '"toString"'), 4)],
    ['a shape that is none', fileOf(entry('[0,4]', '"1"'), 4)],
    ['a negative size', fileOf(entry('[0,4]', '[-1]'), 4)],
    ['a size that is no whole number', fileOf(entry('[0,4]', '[1.5]'), 4)],
    ['an enormous shape', fileOf(entry('[0,4]', '[9007199254740991,9007199254740991]'), 4)],
    ['bytes that do not fill the shape', fileOf(entry('[0,4]', '[2]'), 4)],
    ['offsets backwards', fileOf(entry('[4,0]'), 4)],
    ['three offsets', fileOf(entry('[0,4,4]'), 4)],
    ['offsets beyond the end', fileOf(entry('[4,8]'), 4)],
    ['a gap before', fileOf(entry('[4,8]'), 8)],
    ['bytes after', fileOf(entry('[0,4]'), 5)],
    ['an overlap', fileOf('{"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"y":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}', 3)],
  ])('with %s are corrupt', (_, file) => {
    expect(() => readSafetensors(file, 'model.safetensors')).toThrow(corrupt);
  });

  it('with any bytes changed or cut off are read or corrupt, and nothing else', () => {
    const file = writeSafetensors(
      new Map([
        ['a', float32Tensor([2], Float32Array.of(1, 2))],
        ['b', int32Tensor([3], Int32Array.of(3, 4, 5))],
      ]),
    );
    const changes = fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(changes, fc.nat(file.length), (edits, length) => {
        const broken = file.slice();
        for (const [at, byte] of edits) broken[at] = byte;
        for (const bytes of [broken, broken.subarray(0, length)]) {
          try {
            for (const { bytes: own } of readSafetensors(bytes, 'model.safetensors').values())
              expect(own.length).toBeLessThanOrEqual(file.length);
          } catch (error) {
            expect(error).toEqual(corrupt);
          }
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('with any header are read or corrupt, and nothing else', () => {
    const offsets = fc.oneof(
      fc.json(),
      fc.tuple(fc.nat(9), fc.nat(9)).map((pair) => JSON.stringify(pair)),
    );
    const header = fc.oneof(
      fc.json(),
      fc.tuple(offsets, fc.json(), fc.json()).map((parts) => entry(...parts)),
    );
    fc.assert(
      fc.property(header, fc.nat(16), (text, data) => {
        try {
          readSafetensors(fileOf(text, data), 'model.safetensors');
        } catch (error) {
          expect(error).toEqual(corrupt);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
