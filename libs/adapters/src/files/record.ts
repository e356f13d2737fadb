/** Where a record stands: its first line (from 1) in a text format, its row (from 1) in Parquet, 1 where a file is one document. */
export interface Position {
  /** The input as it was given, or the file below a folder that was given; `stdin` for standard input. */
  readonly file: string;
  readonly line: number;
}

/** Why a record is no document. The first group is about the bytes, the second about what they say. */
export type RejectedReason =
  | 'invalid_bytes'
  | 'record_too_long'
  | 'broken_json'
  | 'not_an_object'
  | 'broken_quoting'
  | 'wrong_column_count'
  | 'missing_id'
  | 'duplicate_id'
  | 'id_too_long'
  | 'missing_text'
  | 'wrong_type'
  | 'empty_text'
  | 'text_too_long'
  | 'invalid_unicode';

/** A value that is not a string, as JSON text. */
export interface JsonText {
  readonly json: string;
}

export type FieldValue = string | JsonText | null;

/** A record as its format gives it: names and values side by side. */
export interface FieldRecord {
  readonly kind: 'fields';
  readonly position: Position;
  readonly names: readonly string[];
  readonly values: readonly FieldValue[];
  /** The record as it was read, for the dead letters. */
  readonly raw: Uint8Array | (() => Uint8Array);
}

export interface BrokenRecord {
  readonly kind: 'broken';
  readonly position: Position;
  readonly reason: RejectedReason;
  /** What is wrong and what to do, without the place. */
  readonly message: string;
  readonly raw: Uint8Array | (() => Uint8Array);
}

export type SourceRecord = FieldRecord | BrokenRecord;

/** Longest record of a text format in bytes: room for two texts of 1 MiB, escaped, and their metadata; what is longer is passed over. */
export const maxRecordBytes = 8 * 1024 * 1024;

/** How much of a rejected record is kept for the dead letters. */
const maxExcerptBytes = 8 * 1024;

/** The start of the raw record, copied. */
export function excerptOf({ raw }: SourceRecord): Uint8Array {
  const bytes = typeof raw === 'function' ? raw() : raw;
  return Uint8Array.from(bytes.subarray(0, maxExcerptBytes));
}

/** A field's value as text: strings as they are, other values as JSON. */
export function textOf(value: string | JsonText): string {
  return typeof value === 'string' ? value : value.json;
}

/** The value of a record's field; null where it has none. */
export function valueIn({ names, values }: FieldRecord, name: string): FieldValue {
  const index = names.indexOf(name);
  return index < 0 ? null : values[index]!;
}

export const tooLongMessage = `the record is longer than ${maxRecordBytes / 1024 / 1024} MiB; is a line break or a closing quote missing?`;

export function invalidBytesMessage(encoding: string): string {
  return `bytes that are not valid ${encoding}; name the encoding with --encoding if it is another one`;
}
