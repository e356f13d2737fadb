import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '@llambert/domain';

/** The machine's own time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(milliseconds, signal) {
    if (signal?.aborted === true) return;
    await delay(Math.max(0, milliseconds), undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  },
};
