import type { ConsumedRecord, DeadLetter, LogRecord, RecordToAppend } from '@llambert/domain';
import { DeadLetter as Wire } from '../generated/llambert/deadletter/v1/dead_letter.ts';
import { deadLetterTopic } from '../topics.ts';
import { decodeRecord, encodeRecord, messageCodec, type RecordContext } from './codec.ts';
import { documentCodec } from './document.ts';

const deadLetterCodec = messageCodec<Wire, DeadLetter>('llambert.deadletter.v1.DeadLetter', Wire, {
  toWire: (letter) => ({
    service: letter.service,
    reason: letter.reason,
    message: letter.message,
    position: letter.position,
    documentId: letter.documentId ?? undefined,
    record: Buffer.from(letter.record.buffer, letter.record.byteOffset, letter.record.byteLength),
  }),
  fromWire: (wire) => ({
    service: wire.service,
    reason: wire.reason,
    message: wire.message,
    position: wire.position,
    documentId: wire.documentId ?? null,
    record: new Uint8Array(wire.record.buffer, wire.record.byteOffset, wire.record.byteLength),
  }),
});

/** A dead letter as a record, keyed by its document's id, or by its position where there is none. */
export function encodeDeadLetter(letter: DeadLetter, context?: RecordContext): LogRecord {
  return encodeRecord(deadLetterCodec, letter.documentId ?? letter.position, letter, context);
}

/** Throws `invalid_input` for what is no dead letter. */
export function decodeDeadLetter(record: Pick<LogRecord, 'value' | 'headers'>): DeadLetter {
  return decodeRecord(deadLetterCodec, record);
}

/** A record that a service refuses, on its way to that service's dead letters: with the reason, where it stood, and as it was. */
export function deadLetterRecord(prefix: string, service: string, record: ConsumedRecord, reason: string, message: string): RecordToAppend {
  // Documents are keyed by their ids, so the key tells even where the value cannot be read.
  const isDocument = (record.headers['schema'] ?? documentCodec.schema) === documentCodec.schema;
  const letter: DeadLetter = {
    service,
    reason,
    message,
    position: `${record.topic}, partition ${record.partition}, offset ${record.offset}`,
    documentId: isDocument && record.key !== '' ? record.key : null,
    record: record.value,
  };
  const { traceparent } = record.headers;
  return { topic: deadLetterTopic(prefix, service), record: encodeDeadLetter(letter, traceparent === undefined ? {} : { traceparent }) };
}
