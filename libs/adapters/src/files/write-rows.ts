import { parquetChunks } from './parquet-rows.ts';
import type { Row } from './row.ts';
import { textChunks } from './text-rows.ts';
import { writeWhole } from './whole-file.ts';

/**
 * Writes rows to a file as they come, in a memory that does not grow with them. The file is written whole or not at all (see
 * `writeWhole`), compressed where its name ends in `.gz`; `-` is standard output. Nested values are JSON in CSV and Parquet.
 * @param columns the columns to write and their order; null: those of each row in JSONL, those of the first row in CSV, those of the first
 *   rows in Parquet
 * @returns how many rows there were
 * @throws LlambertError disk_full, invalid_input where the file cannot be written; whatever `rows` throws
 */
export async function writeRows(
  file: string,
  format: 'jsonl' | 'csv' | 'parquet',
  columns: readonly string[] | null,
  rows: AsyncIterable<Row> | Iterable<Row>,
): Promise<number> {
  let written = 0;
  async function* counted(): AsyncGenerator<Row> {
    for await (const row of rows) {
      written++;
      yield row;
    }
  }
  await writeWhole(file, format === 'parquet' ? parquetChunks(counted(), columns) : textChunks(counted(), columns, format));
  return written;
}
