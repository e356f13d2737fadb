import { readsAsTable } from './delimiter.ts';
import type { Encoding } from './encoding.ts';

/** What a file holds. `jsonl` also stands for a JSON array of objects: its first character tells. */
export type Format = 'jsonl' | 'csv' | 'tsv' | 'parquet' | 'text';

const byExtension: Readonly<Record<string, Format>> = {
  jsonl: 'jsonl',
  ndjson: 'jsonl',
  json: 'jsonl',
  csv: 'csv',
  tsv: 'tsv',
  tab: 'tsv',
  parquet: 'parquet',
  pq: 'parquet',
  txt: 'text',
  text: 'text',
};

/** The format that a file's name tells, or null. An ending that says how the file is compressed is passed over. */
export function formatOfName(name: string): Format | null {
  const extension = /\.([^./\\]+)$/.exec(name.replace(/\.(gz|gzip|zst|zstd)$/i, ''))?.[1];
  return extension === undefined ? null : (byExtension[extension.toLowerCase()] ?? null);
}

/** Whether bytes are the beginning of a Parquet file. */
export function isParquet(head: Uint8Array): boolean {
  return head[0] === 0x50 && head[1] === 0x41 && head[2] === 0x52 && head[3] === 0x31;
}

/** The format that the first bytes look like: JSON by its first character, a table where lines have equal numbers of columns, else text. */
export function formatOfContent(head: Uint8Array, encoding: Encoding): Exclude<Format, 'parquet'> {
  const text = encoding.decodeLossy(head.subarray(encoding.markBytes));
  if (startsJson(text)) return 'jsonl';
  if (readsAsTable(text, '\t')) return 'tsv';
  return [',', ';'].some((delimiter) => readsAsTable(text, delimiter)) ? 'csv' : 'text';
}

/** An object, or an array of objects; prose may begin with a bracket, too. */
function startsJson(text: string): boolean {
  return /^\s*(\{\s*["}]|\[\s*[{\]])/.test(text);
}
