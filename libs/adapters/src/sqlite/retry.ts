import { toLlambertError } from '@llambert/domain';
import type { LogContext } from './log-context.ts';

const backoffFirstMs = 50;
const backoffMaxMs = 5_000;

/** Repeats `work` while it fails for a passing reason; null: `leave` was aborted before it succeeded. */
export async function untilDone<T>({ clock, random, onRetry }: LogContext, leave: AbortSignal, work: () => Promise<T>): Promise<T | null> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await work();
    } catch (error) {
      const known = toLlambertError(error);
      if (leave.aborted && (known.retryable || known.code === 'cancelled')) return null;
      if (!known.retryable) throw known;
      onRetry(known, failures);
      const longest = Math.min(backoffMaxMs, backoffFirstMs * 2 ** (failures - 1));
      await clock.sleep(longest * (0.5 + random() / 2), leave);
      if (leave.aborted) return null;
    }
  }
}
