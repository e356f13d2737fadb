import type { Encoding } from './encoding.ts';
import { jsonRecord } from './json-record.ts';
import type { Line } from './lines.ts';
import { invalidBytesMessage, type SourceRecord, tooLongMessage } from './record.ts';

/** One record for each line that is not blank. */
export async function* jsonlRecords(lines: AsyncIterable<Line[]>, file: string, encoding: Encoding): AsyncGenerator<SourceRecord[]> {
  for await (const batch of lines) {
    yield batch.map((line) => jsonLine(line, file, encoding)).filter((record) => record !== null);
  }
}

function jsonLine({ number, bytes, tooLong }: Line, file: string, encoding: Encoding): SourceRecord | null {
  const position = { file, line: number };
  if (tooLong) return { kind: 'broken', position, reason: 'record_too_long', message: tooLongMessage, raw: bytes };
  const text = encoding.decode(bytes);
  if (text === null) return { kind: 'broken', position, reason: 'invalid_bytes', message: invalidBytesMessage(encoding.name), raw: bytes };
  return text.trim() === '' ? null : jsonRecord(text, position, bytes);
}
