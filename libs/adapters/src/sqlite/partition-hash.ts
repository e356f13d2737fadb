const offsetBasis = 0x811c9dc5;
const prime = 0x01000193;

/** Partition of a key: FNV-1a, 32 bits, over its UTF-8 bytes (http://www.isthe.com/chongo/tech/comp/fnv/), modulo the partitions. */
export function partitionOf(key: string, partitions: number): number {
  let hash = offsetBasis;
  for (let index = 0; index < key.length; index++) {
    const unit = key.charCodeAt(index);
    if (unit > 0x7f) return hashBytes(Buffer.from(key, 'utf8')) % partitions;
    hash = Math.imul(hash ^ unit, prime);
  }
  return (hash >>> 0) % partitions;
}

function hashBytes(bytes: Uint8Array): number {
  let hash = offsetBasis;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, prime);
  return hash >>> 0;
}
