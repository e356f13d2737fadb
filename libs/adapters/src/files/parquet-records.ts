import { LlambertError } from '@llambert/domain';
import { type AsyncBuffer, parquetMetadataAsync, parquetSchema } from 'hyparquet';
import { openColumn } from './parquet-column.ts';
import { type FieldValue, type SourceRecord, textOf } from './record.ts';

/** Rows that are decoded at a time. */
const stepRows = 200;

/**
 * The rows of a Parquet file, a position's line being the row's number from 1. Of each column one page is held.
 * @throws LlambertError invalid_input where the file is cut off, corrupt, or of a kind that is not known
 */
export async function* parquetRecords(bytes: AsyncBuffer, file: string): AsyncGenerator<SourceRecord[]> {
  try {
    yield* readRows(bytes, file);
  } catch (cause) {
    if (cause instanceof LlambertError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new LlambertError('invalid_input', `${file}: the Parquet file cannot be read (${reason}); is it whole?`, {
      facts: { file },
      cause,
    });
  }
}

async function* readRows(bytes: AsyncBuffer, file: string): AsyncGenerator<SourceRecord[]> {
  const metadata = await parquetMetadataAsync(bytes);
  const names = parquetSchema(metadata).children.map((child) => child.element.name);
  let rowStart = 0;
  for (const [group, { num_rows }] of metadata.row_groups.entries()) {
    const rows = Number(num_rows);
    const columns = names.map((name) => openColumn({ file: bytes, metadata, group, rowStart, rows }, name));
    for (let from = 0; from < rows; from += stepRows) {
      const count = Math.min(stepRows, rows - from);
      const taken: unknown[][] = [];
      for (const column of columns) taken.push(await column.take(count));
      const first = rowStart + from + 1;
      yield Array.from({ length: count }, (_, index) =>
        rowRecord(
          file,
          first + index,
          names,
          taken.map((values) => fieldValue(values[index])),
        ),
      );
    }
    rowStart += rows;
  }
}

function rowRecord(file: string, line: number, names: readonly string[], values: readonly FieldValue[]): SourceRecord {
  const raw = () => {
    const fields = values.map((value, index) => [names[index]!, value === null ? null : textOf(value)]);
    return Buffer.from(JSON.stringify(Object.fromEntries(fields)));
  };
  return { kind: 'fields', position: { file, line }, names, values, raw };
}

function fieldValue(value: unknown): FieldValue {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') return value;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (typeof value === 'bigint' || typeof value === 'number') return { json: String(value) };
  return { json: JSON.stringify(value, plainValue) };
}

function plainValue(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value;
}
