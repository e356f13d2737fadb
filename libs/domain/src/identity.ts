import { createHash } from 'node:crypto';

/** SHA-256 of the parts, in hex. Each part is preceded by its length, so that no two lists of parts collide. */
export function digestOf(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) {
    const bytes = typeof part === 'string' ? Buffer.from(part, 'utf8') : part;
    hash.update(`${bytes.byteLength}:`).update(bytes);
  }
  return hash.digest('hex');
}

/** A JSON text with sorted keys and no spaces: equal values have equal texts, so their hashes can be compared. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .sort(([left], [right]) => (left < right ? -1 : 1));
    return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`;
  }
  return JSON.stringify(value);
}

/** A number in [0, 1) that a key and an id always give: the basis of roles, folds and the pool's ranks. */
export function hashFraction(key: string, id: string): number {
  return Number.parseInt(digestOf(key, id).slice(0, 13), 16) / 2 ** 52;
}
