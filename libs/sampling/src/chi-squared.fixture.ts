/** Pearson's statistic of counts that are all expected to be the same, for tests. */
export function chiSquared(counts: readonly number[], expected: number): number {
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}
