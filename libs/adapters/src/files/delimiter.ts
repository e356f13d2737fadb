import { addLine, type OpenRow } from './csv-row.ts';

/** How many rows are looked at. */
const sampleRows = 20;
/** How many characters are looked at, so that one enormous first line costs no time. */
const sampleCharacters = 64 * 1024;

/** The delimiter of delimited text: the one that gives its first rows the same number of fields, the comma before the others. */
export function findDelimiter(text: string): string {
  return [',', ';', '\t', '|'].find((delimiter) => readsAsTable(text, delimiter)) ?? ',';
}

/** Whether the text has a header of more than one field, and rows of as many, but for one in ten. */
export function readsAsTable(text: string, delimiter: string): boolean {
  const counts = fieldCounts(text.slice(0, sampleCharacters), delimiter, text.length > sampleCharacters);
  const [header = 0, ...others] = counts;
  const equal = others.filter((count) => count === header).length;
  return header > 1 && others.length > 0 && equal >= 0.9 * others.length;
}

function fieldCounts(text: string, delimiter: string, isCutOff: boolean): number[] {
  const counts: number[] = [];
  const lines = text.split(/\r?\n|\r/);
  if (isCutOff && lines.length > 1) lines.pop();
  let row: OpenRow = { fields: [], quoted: null };
  for (const line of lines) {
    if (row.quoted === null && line.trim() === '') continue;
    const state = addLine(row, line, delimiter);
    if (state === 'open') continue;
    counts.push(state === 'broken' ? 0 : row.fields.length);
    row = { fields: [], quoted: null };
    if (counts.length === sampleRows) break;
  }
  return counts;
}
