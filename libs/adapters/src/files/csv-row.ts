/** A row of delimited text that is being put together from lines. */
export interface OpenRow {
  readonly fields: string[];
  /** The quoted field that the last line left open, as far as it was read. */
  quoted: string | null;
}

/**
 * Adds a line (without its line feed) to a row, by RFC 4180: a field that begins with a quote ends at the next quote that is not doubled,
 * and may hold delimiters and line ends. A quote elsewhere is an ordinary character.
 * @returns `whole` where the row ends with the line, `open` where a quoted field goes on in the next one, `broken` where something other
 *   than a delimiter follows a closing quote
 */
export function addLine(row: OpenRow, line: string, delimiter: string): 'whole' | 'open' | 'broken' {
  let at = 0;
  for (;;) {
    if (row.quoted !== null || line[at] === '"') {
      if (row.quoted === null) {
        row.quoted = '';
        at++;
      }
      const closing = readQuoted(row, line, at);
      if (closing < 0) return 'open';
      at = closing + 1;
      row.fields.push(row.quoted);
      row.quoted = null;
      if (at === line.length || (at === line.length - 1 && line[at] === '\r')) return 'whole';
      if (line[at] !== delimiter) return 'broken';
      at++;
    } else {
      const end = line.indexOf(delimiter, at);
      if (end < 0) {
        row.fields.push(withoutReturn(line.slice(at)));
        return 'whole';
      }
      row.fields.push(line.slice(at, end));
      at = end + 1;
    }
  }
}

/** Adds to the open field what stands before its closing quote; the place of that quote, or -1 where the field goes on. */
function readQuoted(row: OpenRow, line: string, from: number): number {
  let at = from;
  for (;;) {
    const quote = line.indexOf('"', at);
    if (quote < 0) {
      row.quoted += `${line.slice(at)}\n`;
      return -1;
    }
    row.quoted += line.slice(at, quote);
    if (line[quote + 1] !== '"') return quote;
    row.quoted += '"';
    at = quote + 2;
  }
}

function withoutReturn(text: string): string {
  return text.endsWith('\r') ? text.slice(0, -1) : text;
}
