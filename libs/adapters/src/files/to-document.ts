import { type Document, type DocumentProblem, documentProblem, maxIdBytes, maxTextBytes } from '@llambert/domain';
import type { Fields } from './fields.ts';
import { excerptOf, type FieldRecord, type Position, type RejectedReason, type SourceRecord, textOf, valueIn } from './record.ts';

/** A record of the input as a document, or why it is none. */
export type ReadItem =
  | { readonly kind: 'document'; readonly document: Document; readonly position: Position }
  | {
      readonly kind: 'rejected';
      readonly reason: RejectedReason;
      /** What is wrong and what to do, without the place. */
      readonly message: string;
      readonly position: Position;
      /** Where the record has one. */
      readonly id?: string;
      /** The start of the record as it was read. */
      readonly record: Uint8Array;
    };

const problemMessages: Readonly<Record<DocumentProblem, string>> = {
  missing_id: 'the id is empty',
  id_too_long: `the id is longer than ${maxIdBytes} bytes`,
  empty_text: 'the text is empty',
  text_too_long: `the text is longer than ${maxTextBytes / 1024 / 1024} MiB; split it`,
  invalid_unicode: 'the text or the id holds half of a character (a surrogate without its pair)',
};

/** @param madeId the id of a record in an input without an id column */
export function toDocument(record: SourceRecord, fields: Fields, madeId: string): ReadItem {
  if (record.kind === 'broken') return rejected(record, record.reason, record.message);
  const idField = fields.id === null ? madeId : valueIn(record, fields.id);
  if (idField === null || idField === '') return rejected(record, 'missing_id', `the column "${fields.id}" is empty`);
  if (typeof idField !== 'string' && !/^-?\d/.test(idField.json)) {
    return rejected(record, 'wrong_type', `the id must be a string or a number, not ${idField.json.slice(0, 40)}`);
  }
  const id = textOf(idField);
  const text = textOfField(record, fields.text, id);
  if (typeof text !== 'string') return text;
  const textPair = fields.textPair === null ? null : textOfField(record, fields.textPair, id);
  if (textPair !== null && typeof textPair !== 'string') return textPair;
  const document: Document = { id, text, ...(textPair === null ? {} : { textPair }), metadata: metadataOf(record, fields) };
  const problem = documentProblem(document);
  if (problem !== null) return rejected(record, problem, problemMessages[problem], id);
  if (textPair?.trim() === '') return rejected(record, 'empty_text', 'the second text is empty', id);
  return { kind: 'document', document, position: record.position };
}

/** A record that is refused, with its id where it is known. */
export function rejected(record: SourceRecord, reason: RejectedReason, message: string, id?: string): ReadItem {
  return { kind: 'rejected', reason, message, position: record.position, ...(id === undefined ? {} : { id }), record: excerptOf(record) };
}

function textOfField(record: FieldRecord, name: string, id: string): string | ReadItem {
  const value = valueIn(record, name);
  if (value === null) return rejected(record, 'missing_text', `there is nothing in "${name}"`, id);
  return typeof value === 'string'
    ? value
    : rejected(record, 'wrong_type', `"${name}" must be a string, not ${value.json.slice(0, 40)}`, id);
}

/** The other columns, as text; what is null is left out. */
function metadataOf({ names, values }: FieldRecord, { id, text, textPair }: Fields): Record<string, string> {
  const entries: [string, string][] = [];
  for (const [index, name] of names.entries()) {
    const value = values[index]!;
    if (value !== null && name !== id && name !== text && name !== textPair) entries.push([name, textOf(value).toWellFormed()]);
  }
  return Object.fromEntries(entries);
}
