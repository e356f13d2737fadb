import { toLlambertError } from '@llambert/domain';
import type { LogContext } from './log-context.ts';

const backoffFirstMs = 50;
const backoffMaxMs = 5_000;

/** Repeats `work` while it fails for a passing reason; null: `leave` was aborted before it succeeded. `what` names it to `onRetry`. */
export async function untilDone<T>(
  { clock, random, onRetry }: LogContext,
  what: string,
  leave: AbortSignal,
  work: () => Promise<T>,
): Promise<T | null> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await work();
    } catch (error) {
      const known = toLlambertError(error);
      if (leave.aborted && (known.retryable || known.code === 'cancelled')) return null;
      if (!known.retryable) throw known;
      const longest = Math.min(backoffMaxMs, backoffFirstMs * 2 ** (failures - 1));
      const waitMs = longest * (0.5 + random() / 2);
      onRetry({ what, reason: known.message, failures, waitMs });
      await clock.sleep(waitMs, leave);
      if (leave.aborted) return null;
    }
  }
}
