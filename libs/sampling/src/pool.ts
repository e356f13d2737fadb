import { type Document, digestOf, type PoolEntry, type PoolRank } from '@llambert/domain';

/** Hexadecimal digits of a rank: 80 bits, so that no two documents share one. */
const rankDigits = 20;

/**
 * The pool is a bottom-k sample: of all documents it keeps the k whose keyed hashes are smallest. That is a uniform sample of the
 * distinct documents, whatever their order and however often a document is seen, and the pools of two partitions merge into the
 * pool of both (Cohen & Kaplan, "Summarizing data using bottom-k sketches", PODC 2007).
 */
export function poolRank(task: string, seed: number, documentId: string): string {
  return digestOf('pool-rank.v1', task, String(seed), documentId).slice(0, rankDigits);
}

/** The documents that could enter a pool whose largest rank is `ceiling` (null: the pool is not full), of each id the first. */
export function poolCandidates(task: string, seed: number, documents: readonly Document[], ceiling: string | null): PoolEntry[] {
  const entries = new Map<string, PoolEntry>();
  for (const document of documents) {
    if (entries.has(document.id)) continue;
    const rank = poolRank(task, seed, document.id);
    if (ceiling === null || rank < ceiling) entries.set(document.id, { rank, document });
  }
  return [...entries.values()];
}

/**
 * Probability with which a document of the source is in the pool (`pool` by rank): 1 while the pool has room, else by its largest rank,
 * from which the number of distinct documents follows as (k - 1) / rank without counting them (same paper; with a relative standard
 * error of 1 / sqrt(k - 2)). Offsets would count what was sent twice or could not be used.
 */
export function shareInPool(pool: readonly Pick<PoolRank, 'rank'>[], poolSize: number): number {
  if (pool.length < poolSize) return 1;
  const largest = Number.parseInt(pool.at(-1)!.rank, 16) / 16 ** rankDigits;
  return Math.min(1, (largest * pool.length) / (pool.length - 1));
}
