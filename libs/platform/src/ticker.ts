import { type Clock, type OnRetry, toLlambertError } from '@llambert/domain';
import { backoffMs } from './backoff.ts';
import type { Service } from './service.ts';

/**
 * Calls `work` again and again with `intervalMs` of rest between two calls, until stopped. For what no event announces: deadlines,
 * another process's rows. After a retryable error it rests longer and goes on; any other error of `work` ends it.
 */
export function ticker(options: {
  /** Names the work to `onRetry`. */
  name: string;
  clock: Clock;
  intervalMs: number;
  work: (signal: AbortSignal) => Promise<void>;
  onRetry?: OnRetry | undefined;
}): Service {
  const stopping = new AbortController();
  const { signal } = stopping;
  const tick = async () => {
    let failures = 0;
    const restMs = () => (failures === 0 ? options.intervalMs : Math.max(options.intervalMs, backoffMs(failures)));
    while (!signal.aborted) {
      try {
        await options.work(signal);
        failures = 0;
      } catch (error) {
        const { retryable, code, message } = toLlambertError(error);
        if (signal.aborted && code === 'cancelled') return;
        if (!retryable) throw error;
        failures += 1;
        options.onRetry?.({ what: options.name, reason: message, failures, waitMs: restMs() });
      }
      await options.clock.sleep(restMs(), signal);
    }
  };
  const done = tick();
  done.catch(() => undefined);
  return {
    done,
    async stop() {
      stopping.abort();
      await done.catch(() => undefined);
    },
  };
}
