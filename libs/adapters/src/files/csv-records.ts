import { LlambertError } from '@llambert/domain';
import { addLine, type OpenRow } from './csv-row.ts';
import type { Encoding } from './encoding.ts';
import type { Line } from './lines.ts';
import {
  type BrokenRecord,
  invalidBytesMessage,
  maxRecordBytes,
  type RejectedReason,
  type SourceRecord,
  tooLongMessage,
} from './record.ts';

export interface CsvOptions {
  /** For messages and positions. */
  readonly file: string;
  readonly encoding: Encoding;
  readonly delimiter: string;
}

interface Row {
  readonly kind: 'row';
  readonly line: number;
  readonly fields: readonly string[];
  readonly raw: () => Uint8Array;
}

/**
 * The rows of delimited text under the names of its header. A row that is broken, or has another number of fields than the header, comes
 * as a broken record. A quote that is never closed spoils the row that opens it: reading goes on with the next line. Where tabs delimit,
 * fields hold no line ends as a rule, and a line whose quotes make no sense is taken by its tabs alone.
 * @throws LlambertError invalid_input where there is no readable header
 */
export async function* csvRecords(lines: AsyncIterable<Line[]>, options: CsvOptions): AsyncGenerator<SourceRecord[]> {
  const { file } = options;
  let names: readonly string[] | null = null;
  for await (const rows of csvRows(lines, options)) {
    const records: SourceRecord[] = [];
    for (const row of rows) {
      if (names === null) names = headerOf(row, file);
      else if (row.kind === 'broken') records.push(row);
      else if (row.fields.length === names.length) {
        records.push({ kind: 'fields', position: { file, line: row.line }, names, values: row.fields, raw: row.raw });
      } else {
        const message = `the row has ${counted(row.fields.length)}, the header ${names.length}; is a quote or a delimiter missing?`;
        records.push({ kind: 'broken', position: { file, line: row.line }, reason: 'wrong_column_count', message, raw: row.raw });
      }
    }
    yield records;
  }
}

function counted(fields: number): string {
  return fields === 1 ? '1 field' : `${fields} fields`;
}

function headerOf(row: Row | BrokenRecord, file: string): string[] {
  if (row.kind === 'broken') {
    throw new LlambertError('invalid_input', `${file}:${row.position.line}: the header cannot be read: ${row.message}`, {
      facts: { file },
    });
  }
  // A column without a name, or with another's, is still a column: row numbers that other programs wrote have none.
  const taken = new Set<string>();
  return row.fields.map((field, index) => {
    const wanted = field.trim() === '' ? `column_${index + 1}` : field;
    let name = wanted;
    for (let count = 2; taken.has(name); count++) name = `${wanted}_${count}`;
    taken.add(name);
    return name;
  });
}

async function* csvRows(lines: AsyncIterable<Line[]>, options: CsvOptions): AsyncGenerator<(Row | BrokenRecord)[]> {
  const assembly = new RowAssembly(options);
  for await (const batch of lines) {
    const rows: (Row | BrokenRecord)[] = [];
    for (const line of batch) assembly.add(line, rows);
    yield rows;
  }
  const rows: (Row | BrokenRecord)[] = [];
  assembly.end(rows);
  yield rows;
}

/** What a line that waits costs beside its bytes, about: many short lines must not take more memory than few long ones. */
const lineOverheadBytes = 64;

/** Puts lines together into rows. */
class RowAssembly {
  readonly #options: CsvOptions;
  /** The lines of the row that is open. */
  #pending: Line[] = [];
  #pendingBytes = 0;
  #row: OpenRow = { fields: [], quoted: null };
  #valid = true;

  constructor(options: CsvOptions) {
    this.#options = options;
  }

  add(line: Line, rows: (Row | BrokenRecord)[]): void {
    this.#takeAll([line], rows);
  }

  end(rows: (Row | BrokenRecord)[]): void {
    while (this.#pending.length > 0) {
      this.#takeAll(this.#breakOff('a quote that is opened on this line is never closed', rows), rows);
    }
  }

  /** @param waiting the next line is the last: a broken row gives its further lines back */
  #takeAll(waiting: Line[], rows: (Row | BrokenRecord)[]): void {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      for (const again of this.#take(next, rows)) waiting.push(again);
    }
  }

  /** Adds a line; returns lines that must be taken again, the first of them last. */
  #take(line: Line, rows: (Row | BrokenRecord)[]): Line[] {
    const { encoding, delimiter } = this.#options;
    if (line.tooLong) {
      this.#pending.push(line);
      rows.push(this.#broken('record_too_long', tooLongMessage));
      this.#clear();
      return [];
    }
    const text = encoding.decode(line.bytes);
    if (text === null) this.#valid = false;
    const readable = text ?? encoding.decodeLossy(line.bytes);
    if (this.#pending.length === 0 && readable.trim() === '' && !readable.includes(delimiter)) {
      this.#clear();
      return [];
    }
    this.#pending.push(line);
    this.#pendingBytes += line.bytes.length + lineOverheadBytes;
    const state = addLine(this.#row, readable, delimiter);
    if (state === 'open') {
      if (this.#pendingBytes <= maxRecordBytes) return [];
      return this.#breakOff(`a quote that is opened on this line is not closed within ${maxRecordBytes / 1024 / 1024} MiB`, rows);
    }
    if (state === 'broken') return this.#breakOff('a closing quote is followed by something other than a delimiter', rows);
    const { number } = this.#pending[0]!;
    if (this.#valid) rows.push({ kind: 'row', line: number, fields: this.#row.fields, raw: rawOf(this.#pending) });
    else rows.push(this.#broken('invalid_bytes', invalidBytesMessage(encoding.name)));
    this.#clear();
    return [];
  }

  /** Ends the open row after its first line; returns the others, the first of them last. */
  #breakOff(message: string, rows: (Row | BrokenRecord)[]): Line[] {
    const [first, ...others] = this.#pending;
    const { encoding, delimiter, file } = this.#options;
    const text = encoding.decode(first!.bytes);
    this.#pending = [first!];
    if (delimiter === '\t' && text !== null) {
      const fields = text.replace(/\r$/, '').split('\t');
      rows.push({ kind: 'row', line: first!.number, fields, raw: rawOf(this.#pending) });
    } else if (text === null) {
      rows.push(this.#broken('invalid_bytes', invalidBytesMessage(encoding.name)));
    } else {
      const raw = rawOf(this.#pending);
      rows.push({ kind: 'broken', position: { file, line: first!.number }, reason: 'broken_quoting', message, raw });
    }
    this.#clear();
    return others.reverse();
  }

  #broken(reason: RejectedReason, message: string): BrokenRecord {
    return {
      kind: 'broken',
      position: { file: this.#options.file, line: this.#pending[0]!.number },
      reason,
      message,
      raw: rawOf(this.#pending),
    };
  }

  #clear(): void {
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#row = { fields: [], quoted: null };
    this.#valid = true;
  }
}

function rawOf(lines: readonly Line[]): () => Uint8Array {
  return () => Buffer.concat(lines.flatMap((line, index) => (index === 0 ? [line.bytes] : [lineFeed, line.bytes])));
}

const lineFeed = Buffer.from('\n');
