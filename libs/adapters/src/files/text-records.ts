import { maxTextBytes } from '@llambert/domain';
import type { ByteSource } from './byte-source.ts';
import { type Encoding, findEncoding } from './encoding.ts';
import type { Line } from './lines.ts';
import { firstLineOfOther, mixedEncodingsMessage } from './mixed-encodings.ts';
import { invalidBytesMessage, type SourceRecord, tooLongMessage } from './record.ts';

const names: readonly string[] = ['text'];

/** One record for each line that is not blank. */
export async function* textLineRecords(lines: AsyncIterable<Line[]>, file: string, encoding: Encoding): AsyncGenerator<SourceRecord[]> {
  for await (const batch of lines) {
    yield batch.flatMap(({ number, bytes, tooLong }): SourceRecord[] => {
      const position = { file, line: number };
      if (tooLong) return [{ kind: 'broken', position, reason: 'record_too_long', message: tooLongMessage, raw: bytes }];
      const text = encoding.decode(bytes);
      if (text === null)
        return [{ kind: 'broken', position, reason: 'invalid_bytes', message: invalidBytesMessage(encoding.name), raw: bytes }];
      if (text.trim() === '') return [];
      return [{ kind: 'fields', position, names, values: [text.replace(/\r$/, '')], raw: bytes }];
    });
  }
}

/** No encoding takes more bytes than this for a text that is within the limit; what is longer need not be read to its end. */
const maxFileBytes = 4 * maxTextBytes;

/**
 * A file that is one document, as one record. What cannot be text is a broken record, not an error: the files beside it may be good.
 * @param onGuess told where the encoding was guessed
 */
export async function textFileRecord(
  bytes: ByteSource,
  file: string,
  label: string | undefined,
  onGuess: (encoding: Encoding) => void,
): Promise<SourceRecord> {
  const position = { file, line: 1 };
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const chunk of bytes.chunks) {
    pieces.push(chunk);
    size += chunk.length;
    if (size > maxFileBytes) {
      const message = `the file is longer than ${maxFileBytes / 1024 / 1024} MiB, a text may have ${maxTextBytes / 1024 / 1024}; split it`;
      return { kind: 'broken', position, reason: 'text_too_long', message, raw: pieces[0]! };
    }
  }
  const raw = Buffer.concat(pieces);
  const encoding = findEncoding(bytes.head, file, label);
  const other = firstLineOfOther(bytes.head, encoding);
  if (other !== null) return { kind: 'broken', position, reason: 'invalid_bytes', message: mixedEncodingsMessage(other), raw };
  if (encoding === null) {
    return { kind: 'broken', position, reason: 'invalid_bytes', message: 'the bytes are no text in any known encoding', raw };
  }
  if (encoding.guessed) onGuess(encoding);
  const text = encoding.decode(raw.subarray(encoding.markBytes));
  if (text === null) return { kind: 'broken', position, reason: 'invalid_bytes', message: invalidBytesMessage(encoding.name), raw };
  return { kind: 'fields', position, names, values: [text], raw };
}
