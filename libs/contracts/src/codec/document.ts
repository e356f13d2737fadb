import { type Document, documentProblem, type LogRecord } from '@llambert/domain';
import { Document as Wire } from '../generated/llambert/document/v1/document.ts';
import { decodeRecord, encodeRecord, messageCodec, type RecordContext } from './codec.ts';

export function documentToWire(document: Document): Wire {
  return { id: document.id, text: document.text, textPair: document.textPair, metadata: new Map(Object.entries(document.metadata)) };
}

export function documentFromWire(wire: Wire): Document {
  const { id, text, textPair } = wire;
  const metadata = Object.fromEntries(wire.metadata);
  return textPair === undefined ? { id, text, metadata } : { id, text, textPair, metadata };
}

export const documentCodec = messageCodec<Wire, Document>('llambert.document.v1.Document', Wire, {
  toWire: documentToWire,
  fromWire: documentFromWire,
});

/** A document as a record of a source, keyed by its id. Whether it can be labelled is `documentProblem`'s to say, not the codec's. */
export function encodeDocument(document: Document, context?: RecordContext): LogRecord {
  return encodeRecord(documentCodec, document.id, document, context);
}

/** Throws `invalid_input` for what is no document; one that cannot be labelled (no id, say) passes. */
export function decodeDocument(record: Pick<LogRecord, 'value' | 'headers'>): Document {
  return decodeRecord(documentCodec, record);
}

/** The record's document where it can be labelled, else null: for readers that leave it to the pass to report what cannot. */
export function usableDocument(record: Pick<LogRecord, 'value' | 'headers'>): Document | null {
  try {
    const document = decodeDocument(record);
    return documentProblem(document) === null ? document : null;
  } catch {
    return null;
  }
}
