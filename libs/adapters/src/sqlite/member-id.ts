import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';

/** An id that no other member has and that says which process the member lives in. */
export function newMemberId(): string {
  return `${hostname()}/${process.pid}/${randomUUID()}`;
}

/**
 * Whether a member's process is known to have ended, so that nobody need wait for its leases to run out: a run that was killed goes on at
 * once when started again. False where this cannot be told: another host's process, or another process by the same number.
 */
export function hasEnded(memberId: string): boolean {
  const [host, processId] = memberId.split('/');
  if (host !== hostname()) return false;
  try {
    // Signal 0 only asks.
    process.kill(Number(processId), 0);
    return false;
  } catch (error) {
    return (error as { code?: unknown }).code === 'ESRCH';
  }
}
