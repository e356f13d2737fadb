import { Readable } from 'node:stream';
import { LlambertError } from '@llambert/domain';
import { type ByteSource, openBytes } from './byte-source.ts';
import { csvRecords } from './csv-records.ts';
import { findDelimiter } from './delimiter.ts';
import { type Encoding, findEncoding, lineEndingOf } from './encoding.ts';
import { type Format, formatOfContent, isParquet } from './format.ts';
import type { InputFile } from './inputs.ts';
import { jsonArrayRecords } from './json-array-records.ts';
import { jsonlRecords } from './jsonl-records.ts';
import { splitLines } from './lines.ts';
import { firstLineOfOther, mixedEncodingsMessage } from './mixed-encodings.ts';
import { openRandomAccess, spool } from './parquet-file.ts';
import { parquetRecords } from './parquet-records.ts';
import type { SourceRecord } from './record.ts';
import { textFileRecord, textLineRecords } from './text-records.ts';

/** How files are read, whatever is made of their records. */
export interface SourceOptions {
  /** WHATWG name of the character encoding; found unless given. */
  readonly encoding?: string;
  /** What `-` reads. */
  readonly stdin?: Readable;
  /** Told what was decided without being asked, once for each thing. */
  readonly onNotice?: (notice: string) => void;
}

/**
 * The records of a file in any format, in their order. A record that cannot be read is a broken record; the reading goes on.
 * @param onBytes told how many bytes of the file were read
 * @throws LlambertError invalid_input where the file as a whole cannot be read: not there, empty, cut off, no text
 */
export async function* sourceRecords(
  input: InputFile,
  options: SourceOptions,
  onBytes: (count: number) => void,
): AsyncGenerator<SourceRecord[]> {
  let given = 0;
  const bytes = await openBytes(input, options.stdin ?? Readable.from([]), (count) => {
    given += count;
    onBytes(count);
  });
  try {
    if (input.isOneDocument)
      yield [await textFileRecord(bytes, input.name, options.encoding, (encoding) => tellGuess(input, encoding, options))];
    else if (bytes.head.length === 0)
      throw new LlambertError('invalid_input', `${input.name}: the file is empty`, { facts: { file: input.name } });
    else if (input.format === 'parquet' || (input.format === null && isParquet(bytes.head))) yield* parquet(input, bytes, onBytes, given);
    else yield* textRecords(input, bytes, options);
  } finally {
    await bytes.close();
  }
}

async function* parquet(
  input: InputFile,
  bytes: ByteSource,
  onBytes: (count: number) => void,
  given: number,
): AsyncGenerator<SourceRecord[]> {
  if (!isParquet(bytes.head))
    throw new LlambertError('invalid_input', `${input.name}: this is no Parquet file`, { facts: { file: input.name } });
  // What was peeked at is read again.
  let toSkip = given;
  const file =
    input.path === null || input.bytes === null || bytes.compressed
      ? await spool(bytes.chunks)
      : await openRandomAccess(input.path, (count) => {
          const fresh = Math.max(0, count - toSkip);
          toSkip -= count - fresh;
          onBytes(fresh);
        });
  try {
    yield* parquetRecords(file, input.name);
  } finally {
    await file.close();
  }
}

async function* textRecords(input: InputFile, bytes: ByteSource, options: SourceOptions): AsyncGenerator<SourceRecord[]> {
  const { head } = bytes;
  const file = input.name;
  const encoding = findEncoding(head, file, options.encoding);
  const other = firstLineOfOther(head, encoding);
  if (other !== null) {
    throw new LlambertError('invalid_input', `${file}:${other}: ${mixedEncodingsMessage(other)}`, { facts: { file, line: other } });
  }
  if (encoding === null) {
    const message = `${file}: this is no text in any known encoding; is it a spreadsheet or an archive? Save it as CSV, or name its --encoding`;
    throw new LlambertError('invalid_input', message, { facts: { file } });
  }
  if (encoding.guessed) tellGuess(input, encoding, options);
  const format: Format = input.format ?? formatOfContent(head, encoding);
  if (input.format === null) options.onNotice?.(`${file} is read as ${format}; --input-format names another`);
  const text = encoding.decodeLossy(head.subarray(encoding.markBytes));
  const chunks = withoutFirst(bytes.chunks, encoding.markBytes);
  if (format === 'jsonl' && /^\s*\[/.test(text)) {
    yield* jsonArrayRecords(chunks, file, encoding);
    return;
  }
  if (format === 'jsonl' && isOneObjectOverLines(text)) {
    const message = `${file}: the file is one JSON object over several lines; wanted is one object a line, or an array of objects`;
    throw new LlambertError('invalid_input', message, { facts: { file } });
  }
  const lines = splitLines(chunks, lineEndingOf(encoding, head));
  if (format === 'jsonl') yield* jsonlRecords(lines, file, encoding);
  else if (format === 'text') {
    options.onNotice?.(`${file}: each line is a document; a folder's files are a document each`);
    yield* textLineRecords(lines, file, encoding);
  } else yield* csvRecords(lines, { file, encoding, delimiter: format === 'tsv' ? '\t' : findDelimiter(text) });
}

function tellGuess({ name }: InputFile, encoding: Encoding, { onNotice }: SourceOptions): void {
  onNotice?.(`${name} is read as ${encoding.name}, which is a guess; --encoding names another`);
}

/** A first line that is only the beginning of an object, without a line after it that is one. */
function isOneObjectOverLines(text: string): boolean {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  return /^\s*\{\s*$/.test(lines[0] ?? '') && !lines.some((line) => /^\s*\{.*\}\s*$/.test(line));
}

async function* withoutFirst(chunks: AsyncIterable<Buffer>, count: number): AsyncGenerator<Buffer> {
  let left = count;
  for await (const chunk of chunks) {
    const skipped = Math.min(left, chunk.length);
    left -= skipped;
    if (skipped < chunk.length) yield skipped === 0 ? chunk : chunk.subarray(skipped);
  }
}
