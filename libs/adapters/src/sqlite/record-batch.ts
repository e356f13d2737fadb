import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { ConsumedRecord, LogRecord } from '@llambert/domain';

// A batch of records as bytes, like Kafka's record batch: stored and compressed together, offsets left to the row around it.
//
//   format (1 byte) | for zstd: length of the body (varint) | body, plain or one zstd frame with a checksum
//   body: for each record  key (varint length, UTF-8) | headers | value (varint length, bytes)
//   headers: varint 0 = those of the record before (none before the first), else length + 1 and UTF-8 JSON

const format = { plain: 0, zstd: 1 } as const;

/** A row's bounds before compression. Large enough for compression to work, small enough to be read for one record of it. */
const rowMaxBytes = 1 << 20;
const rowMaxRecords = 1000;

/** Below this a frame's own cost is more than it saves. */
const compressFromBytes = 512;
const compressionLevel = 1;

/** A stored body longer than this is damage, not data: SQLite stores less in a row. */
const bodyLimit = 2 ** 31;

export interface EncodedBatch {
  readonly payload: Uint8Array;
  readonly count: number;
}

/** Encodes records in order, cut into batches of at most 1,000 records and about 1 MiB; a larger record has a batch of its own. */
export function encodeBatches(records: readonly LogRecord[]): readonly EncodedBatch[] {
  const batches: EncodedBatch[] = [];
  let writer = bodyWriter();
  for (const record of records) {
    if (writer.count > 0 && (writer.count === rowMaxRecords || writer.length + sizeBound(record) > rowMaxBytes)) {
      batches.push({ payload: pack(writer.body()), count: writer.count });
      writer = bodyWriter();
    }
    writer.write(record);
  }
  if (writer.count > 0) batches.push({ payload: pack(writer.body()), count: writer.count });
  return batches;
}

const noHeaders: Readonly<Record<string, string>> = {};

/**
 * The records of a batch that begins at `baseOffset`. Values are views of one buffer: whoever keeps a single value for long copies it.
 * Throws an error of any class where the bytes are damaged.
 */
export function decodeBatch(payload: Uint8Array, place: { topic: string; partition: number; baseOffset: number }): ConsumedRecord[] {
  const { topic, partition } = place;
  const body = unpack(payload);
  const records: ConsumedRecord[] = [];
  const cursor = { at: 0 };
  let headers = noHeaders;
  let offset = place.baseOffset;
  while (cursor.at < body.length) {
    const key = readText(body, cursor, readVarint(body, cursor));
    const headersLength = readVarint(body, cursor);
    if (headersLength > 0) headers = JSON.parse(readText(body, cursor, headersLength - 1)) as Record<string, string>;
    const length = readVarint(body, cursor);
    const start = advance(body, cursor, length);
    const value = new Uint8Array(body.buffer, body.byteOffset + start, length);
    records.push({ topic, partition, offset, key, value, headers });
    offset += 1;
  }
  return records;
}

function pack(body: Buffer): Uint8Array {
  if (body.length >= compressFromBytes) {
    const packed = zstdCompressSync(body, {
      params: { [constants.ZSTD_c_compressionLevel]: compressionLevel, [constants.ZSTD_c_checksumFlag]: 1 },
    });
    if (packed.length < body.length) {
      const head = Buffer.alloc(6);
      head[0] = format.zstd;
      return Buffer.concat([head.subarray(0, writeVarint(head, 1, body.length)), packed]);
    }
  }
  return Buffer.concat([Buffer.of(format.plain), body]);
}

function unpack(payload: Uint8Array): Buffer {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  if (bytes[0] === format.plain) return bytes.subarray(1);
  if (bytes[0] !== format.zstd) throw new RangeError(`unknown format ${bytes[0]}`);
  const cursor = { at: 1 };
  const length = readVarint(bytes, cursor);
  if (length > bodyLimit) throw new RangeError(`a body of ${length} bytes`);
  // One output chunk of the right size: four times as fast as growing from zlib's 16 KiB.
  const chunkSize = Math.min(Math.max(64, length), 64 * rowMaxBytes);
  const body = zstdDecompressSync(bytes.subarray(cursor.at), { chunkSize, maxOutputLength: Math.max(1, length) });
  if (body.length !== length) throw new RangeError(`${body.length} bytes where ${length} were written`);
  return body;
}

function sizeBound(record: LogRecord): number {
  return record.key.length * 3 + record.value.byteLength + 15;
}

function sameHeaders(left: LogRecord['headers'], right: LogRecord['headers']): boolean {
  if (left === right) return true;
  const names = Object.keys(left);
  return names.length === Object.keys(right).length && names.every((name) => Object.hasOwn(right, name) && left[name] === right[name]);
}

/** Collects a body. The buffer doubles: a batch's size is known only at its end. */
function bodyWriter() {
  let buffer = Buffer.allocUnsafe(4096);
  let at = 0;
  let headers = noHeaders;
  const writer = {
    count: 0,
    get length() {
      return at;
    },
    body: () => buffer.subarray(0, at),
    write(record: LogRecord): void {
      const json = sameHeaders(record.headers, headers) ? null : JSON.stringify(record.headers);
      const needed = at + sizeBound(record) + (json === null ? 0 : json.length * 3);
      if (needed > buffer.length) {
        const larger = Buffer.allocUnsafe(Math.max(needed, buffer.length * 2));
        buffer.copy(larger, 0, 0, at);
        buffer = larger;
      }
      at = writeText(buffer, at, record.key, 0);
      if (json === null) buffer[at++] = 0;
      else at = writeText(buffer, at, json, 1);
      at = writeVarint(buffer, at, record.value.byteLength);
      buffer.set(record.value, at);
      at += record.value.byteLength;
      headers = record.headers;
      writer.count += 1;
    },
  };
  return writer;
}

/** Writes length (plus `extra`) and UTF-8 of a text; returns the position after it. */
function writeText(buffer: Buffer, at: number, text: string, extra: number): number {
  const length = Buffer.byteLength(text);
  const start = writeVarint(buffer, at, length + extra);
  return start + buffer.write(text, start, 'utf8');
}

/** LEB128, as in Protobuf. */
function writeVarint(buffer: Buffer, position: number, number: number): number {
  let at = position;
  let rest = number;
  while (rest >= 0x80) {
    buffer[at++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  buffer[at++] = rest;
  return at;
}

function readVarint(buffer: Buffer, cursor: { at: number }): number {
  let number = 0;
  for (let scale = 1; scale <= 2 ** 42; scale *= 0x80) {
    const byte = buffer[cursor.at++];
    if (byte === undefined) throw new RangeError('cut off');
    number += (byte & 0x7f) * scale;
    if (byte < 0x80) return number;
  }
  throw new RangeError('a length that cannot be');
}

function readText(buffer: Buffer, cursor: { at: number }, length: number): string {
  const start = advance(buffer, cursor, length);
  return buffer.toString('utf8', start, start + length);
}

/** Moves past `length` bytes that must be there; returns where they begin. */
function advance(buffer: Buffer, cursor: { at: number }, length: number): number {
  const start = cursor.at;
  if (start + length > buffer.length) throw new RangeError('cut off');
  cursor.at = start + length;
  return start;
}
