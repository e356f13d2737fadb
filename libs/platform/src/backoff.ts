/** First and longest wait before what failed for a passing reason is tried again, in milliseconds. */
const firstMs = 500;
const longestMs = 30_000;

/** The wait after a number of failures in a row (at least 1): doubles with each. */
export function backoffMs(failures: number): number {
  return Math.min(longestMs, firstMs * 2 ** (failures - 1));
}
