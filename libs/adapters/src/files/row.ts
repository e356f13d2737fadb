/** A row to write: a value for each column. What is undefined counts as null. */
export type Row = Readonly<Record<string, unknown>>;

/** A value of a row as text: strings as they are, other values as JSON. */
export function cellText(value: unknown): string {
  if (typeof value === 'bigint') return String(value);
  return typeof value === 'string' ? value : JSON.stringify(value);
}
