/** The time, as an argument: tests turn it by hand. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Resolves after `milliseconds`, or at once when `signal` is aborted (it never rejects: the caller looks at the signal). */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}
