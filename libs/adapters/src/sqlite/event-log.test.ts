import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EventLogHarness, eventLogConformance, type OpenedEventLog } from '@llambert/testing';
import { openEventLog } from './event-log.fixture.ts';

async function sqliteHarness(): Promise<EventLogHarness> {
  const folder = await mkdtemp(join(tmpdir(), 'llambert-log-'));
  const location = join(folder, 'events.db');
  const opened: OpenedEventLog[] = [];
  return {
    async open() {
      const log = await openEventLog(location);
      opened.push(log);
      return log;
    },
    elsewhere: { module: new URL('./event-log.fixture.ts', import.meta.url).href, location },
    async destroy() {
      for (const log of opened) await log.close();
      await rm(folder, { recursive: true });
    },
  };
}

eventLogConformance('SQLite', sqliteHarness);
