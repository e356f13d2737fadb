import { describe } from 'vitest';
import { appendSuite } from './event-log/append.ts';
import { consumeSuite } from './event-log/consume.ts';
import { crashSuite } from './event-log/crash.ts';
import { followSuite } from './event-log/follow.ts';
import type { EventLogHarness } from './event-log/harness.ts';
import { retentionSuite } from './event-log/retention.ts';

/** What the event log promises, for every adapter. */
export function eventLogConformance(name: string, createHarness: () => Promise<EventLogHarness>): void {
  describe(`${name}: event log`, () => {
    appendSuite(createHarness);
    consumeSuite(createHarness);
    retentionSuite(createHarness);
    followSuite(createHarness);
    crashSuite(createHarness);
  });
}
