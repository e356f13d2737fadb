import { hashFraction, type TeacherFailure } from '@llambert/domain';
import { backoffMs } from '@llambert/platform';

const limits = { firstMs: 1000, longestMs: 60_000 };
/** A server may ask for hours (a day's quota): a call now and then tells whether it meant it. */
const longestAskedMs = 300_000;

/**
 * Milliseconds to leave a teacher alone after its `failuresInARow`-th failure: what it asked for, else twice as long each time. Up to a
 * quarter is added by the hash of the call, so that calls (and replicas) that failed together do not come back together.
 */
export function retryDelay(failure: TeacherFailure, failuresInARow: number, callId: string): number {
  const asked = failure.retryAfterMs === null ? null : Math.min(longestAskedMs, failure.retryAfterMs);
  const wait = asked ?? backoffMs(Math.max(1, failuresInARow), limits);
  return Math.ceil(wait * (1 + hashFraction('retry-delay.v1', callId) / 4));
}
