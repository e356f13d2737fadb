import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';

/** The objects of a JSON Lines file, which may be gzipped. */
export async function readJsonLines<Row>(file: string): Promise<Row[]> {
  const bytes = await readFile(file);
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}
