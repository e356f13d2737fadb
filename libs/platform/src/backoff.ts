/** First and longest wait before what failed for a passing reason is tried again, in milliseconds. */
export interface BackoffLimits {
  readonly firstMs: number;
  readonly longestMs: number;
}

const ofServices: BackoffLimits = { firstMs: 500, longestMs: 30_000 };

/** The wait after a number of failures in a row (at least 1), in milliseconds: doubles with each. */
export function backoffMs(failures: number, { firstMs, longestMs }: BackoffLimits = ofServices): number {
  return Math.min(longestMs, firstMs * 2 ** (failures - 1));
}
