import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, LlambertError, type Retry } from '@llambert/domain';
import { type EventLogHarness, eventLogConformance, type OpenedEventLog } from '@llambert/testing';
import { expect, it } from 'vitest';
import { openDatabase } from './database.ts';
import { openEventLog } from './event-log.fixture.ts';
import { sqliteEventLog } from './event-log.ts';

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

it('says what it tries again, why, and when', async () => {
  const database = openDatabase(':memory:');
  const retries: Retry[] = [];
  // Nobody waits here: rests are over at once.
  const clock: Clock = { now: () => 0, sleep: () => new Promise((rested) => setImmediate(rested)) };
  const log = sqliteEventLog(database, { clock, random: () => 1, onRetry: (retry) => retries.push(retry) });
  await log.createTopics([{ name: 'in', partitions: 1, retention: 'compact' }]);
  await log.append([{ topic: 'in', record: { key: 'k', value: Buffer.from('v'), headers: {} } }]);
  let failures = 0;
  const failTwice = () => {
    failures += 1;
    if (failures <= 2) throw new LlambertError('store_unavailable', 'the store is away');
  };
  const retry = (what: string, count: number, waitMs: number) => ({ what, reason: 'the store is away', failures: count, waitMs });
  const consumer = log.consume({
    group: 'g',
    topic: 'in',
    maxBatch: 10,
    handle: async () => {
      failTwice();
      return [];
    },
  });
  await expect.poll(() => log.committedOffsets('g', 'in')).toEqual([1]);
  await consumer.stop();
  expect(retries.splice(0)).toEqual([retry('g reading in', 1, 50), retry('g reading in', 2, 100)]);
  failures = 0;
  const follower = log.follow('in', async () => failTwice());
  await follower.caughtUp;
  await follower.stop();
  expect(retries).toEqual([retry('following in', 1, 50), retry('following in', 2, 100)]);
  database.close();
});
