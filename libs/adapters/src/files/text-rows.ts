import { cellText, type Row } from './row.ts';

/** Characters that are written at once, about. */
const chunkCharacters = 64 * 1024;

/** Rows as JSON Lines or CSV (RFC 4180, with a header, lines ended by a line feed), in UTF-8. */
export async function* textChunks(
  rows: AsyncIterable<Row>,
  columns: readonly string[] | null,
  format: 'jsonl' | 'csv',
): AsyncGenerator<Uint8Array> {
  let chosen = columns;
  let text = format === 'csv' && columns !== null ? csvLine(columns) : '';
  for await (const row of rows) {
    if (format === 'jsonl') text += `${JSON.stringify(columns === null ? row : picked(row, columns))}\n`;
    else {
      if (chosen === null) {
        chosen = Object.keys(row);
        text += csvLine(chosen);
      }
      text += csvLine(chosen.map((name) => row[name]));
    }
    if (text.length < chunkCharacters) continue;
    yield Buffer.from(text);
    text = '';
  }
  if (text !== '') yield Buffer.from(text);
}

function picked(row: Row, columns: readonly string[]): Row {
  return Object.fromEntries(columns.filter((name) => Object.hasOwn(row, name)).map((name) => [name, row[name]]));
}

function csvLine(values: readonly unknown[]): string {
  // An empty line would be no row.
  if (values.length === 1 && (values[0] ?? '') === '') return '""\n';
  return `${values.map(csvField).join(',')}\n`;
}

/** Quotes also what other delimiters and spaces at the ends would make of a field in readers that guess. */
function csvField(value: unknown): string {
  if (value === null || value === undefined) return '';
  const text = cellText(value);
  return /[",;|\t\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
