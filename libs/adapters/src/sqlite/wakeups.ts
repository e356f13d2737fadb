import type { Clock } from '@llambert/domain';

/** Waiting for something to happen in the log: at once within a process, by polling between processes. */
export interface Wakeups {
  /** Wakes those who wait for the key in this process. */
  wake(key: string): void;
  /**
   * Resolves at the next wake of the key or when the signal is aborted, and after `milliseconds` where given, otherwise when another
   * process wrote; never rejects.
   */
  wait(key: string, signal: AbortSignal, milliseconds?: number): Promise<void>;
  /** Polls for what other processes do until the returned function is called. */
  watch(): () => void;
}

export interface Polling {
  /** Rest between two polls, growing from the first to the second while nothing happens. */
  readonly minMs: number;
  readonly maxMs: number;
  /** One poll: whether anything changed. It may throw; waiters are then woken, to run into the error themselves. */
  readonly poll: () => boolean;
}

export function wakeups(clock: Clock, polling: Polling): Wakeups {
  const waiting = new Map<string, Set<() => void>>();
  const waitingForPoll = new Set<() => void>();
  let watchers = 0;
  let watching = new AbortController();

  async function watch(signal: AbortSignal): Promise<void> {
    let rest = polling.minMs;
    while (true) {
      await clock.sleep(rest, signal);
      if (signal.aborted) return;
      let changed = true;
      try {
        changed = polling.poll();
      } catch {
        // Not ours to report: whoever waits asks the database itself now.
      }
      if (changed) for (const wake of [...waitingForPoll]) wake();
      rest = changed ? polling.minMs : Math.min(polling.maxMs, rest * 1.5);
    }
  }

  return {
    wake(key) {
      for (const wake of [...(waiting.get(key) ?? [])]) wake();
    },
    async wait(key, signal, milliseconds) {
      if (signal.aborted) return;
      const over = new AbortController();
      const { promise, resolve } = Promise.withResolvers<void>();
      const wake = () => {
        over.abort();
        resolve();
      };
      const wakers = waiting.get(key) ?? new Set();
      waiting.set(key, wakers.add(wake));
      if (milliseconds === undefined) waitingForPoll.add(wake);
      signal.addEventListener('abort', wake, { once: true });
      await (milliseconds === undefined ? promise : clock.sleep(milliseconds, over.signal));
      signal.removeEventListener('abort', wake);
      waitingForPoll.delete(wake);
      wakers.delete(wake);
      if (wakers.size === 0 && waiting.get(key) === wakers) waiting.delete(key);
    },
    watch() {
      watchers += 1;
      if (watchers === 1) {
        watching = new AbortController();
        void watch(watching.signal);
      }
      let ended = false;
      return () => {
        if (ended) return;
        ended = true;
        watchers -= 1;
        if (watchers === 0) watching.abort();
      };
    },
  };
}
