import type { Partition } from './log-tables.ts';

export interface Holding {
  readonly partition: Partition;
  /** The member that holds the partition; null: none, or its lease ran out. */
  readonly owner: string | null;
}

/**
 * What a member should do about a topic's partitions so that all members come to hold equally many, give or take one: keep, claim from
 * those that are free, let go. Every member decides for itself from the same rows; members that come first by id take the odd ones.
 *
 * @param busy ids of partitions that the member may not claim yet
 */
export function planShare(
  holdings: readonly Holding[],
  members: readonly string[],
  self: string,
  busy: ReadonlySet<number>,
): { kept: Partition[]; claimed: Partition[]; surplus: Partition[] } {
  const rank = [...members].sort().indexOf(self);
  const quota = Math.floor(holdings.length / members.length) + (rank < holdings.length % members.length ? 1 : 0);
  const own = holdings.filter(({ owner }) => owner === self).map(({ partition }) => partition);
  const free = holdings.filter(({ owner, partition }) => owner === null && !busy.has(partition.id)).map(({ partition }) => partition);
  return { kept: own.slice(0, quota), claimed: free.slice(0, Math.max(0, quota - own.length)), surplus: own.slice(quota) };
}
