import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock, EventLog } from '@llambert/domain';
import { openDatabase } from './database.ts';
import { sqliteEventLog } from './event-log.ts';

const clock: Clock = {
  now: () => Date.now(),
  async sleep(milliseconds, signal) {
    if (signal?.aborted !== true) await delay(milliseconds, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  },
};

/** The log as the conformance suites open it, here and in processes of their own: impatient, so that take-overs do not take long. */
export async function openEventLog(path: string): Promise<{ database: DatabaseSync; eventLog: EventLog; close(): Promise<void> }> {
  const database = openDatabase(path);
  const eventLog = sqliteEventLog(database, { clock, leaseMs: 500, pollMs: { min: 10, max: 30 } });
  return { database, eventLog, close: async () => database.close() };
}
