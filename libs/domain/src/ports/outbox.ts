import type { Event } from '../event.ts';

/**
 * Events that no record caused, stored in the same transaction as the state they tell of, and sent to the event log afterwards: at
 * least once. Putting an event whose id is known does nothing.
 */
export interface Outbox {
  /** Events that have not been marked sent, oldest first. */
  pendingEvents(limit: number): Promise<readonly Event[]>;
  markSent(ids: readonly string[]): Promise<void>;
}
