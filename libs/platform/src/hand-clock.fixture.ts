import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '@llambert/domain';

/** A clock for tests that stands still until it is turned. */
export interface HandClock extends Clock {
  /** Lets everything that can run without time passing run until it rests. */
  settle(): Promise<void>;
  /** Lets time pass, waking sleepers one after the other at their times. */
  advance(milliseconds: number): Promise<void>;
}

export function handClock(): HandClock {
  let now = 0;
  const sleepers = new Set<{ readonly at: number; readonly wake: () => void }>();
  const settle = async () => {
    for (let turn = 0; turn < 20; turn++) await nextTurn();
  };
  return {
    now: () => now,
    sleep: (milliseconds, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) return resolve();
        const sleeper = {
          at: now + Math.max(0, milliseconds),
          wake() {
            sleepers.delete(sleeper);
            signal?.removeEventListener('abort', sleeper.wake);
            resolve();
          },
        };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', sleeper.wake);
      }),
    settle,
    async advance(milliseconds) {
      const end = now + milliseconds;
      await settle();
      while (true) {
        const [first] = [...sleepers].filter(({ at }) => at <= end).sort((left, right) => left.at - right.at);
        if (first === undefined) break;
        now = Math.max(now, first.at);
        first.wake();
        await settle();
      }
      now = end;
    },
  };
}
