/** Something that failed for a reason that may pass, and will be tried again. */
export interface Retry {
  /** What is tried again, in a few words. */
  readonly what: string;
  /** Why it failed, for people; never holds a key or a document. */
  readonly reason: string;
  /** Failures in a row, this one among them. */
  readonly failures: number;
  /** How long it rests before the next try. */
  readonly waitMs: number;
}

/** Hears of each retry, so that no wait is silent. */
export type OnRetry = (retry: Retry) => void;
