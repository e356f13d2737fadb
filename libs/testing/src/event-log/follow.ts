import { type EventLog, LlambertError } from '@llambert/domain';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { aRecord, textOf } from './copy-records.ts';
import type { EventLogHarness } from './harness.ts';
import { eventLogSession, numbered, numbersOf, patience } from './session.ts';

/** Compacted topics, seen by everyone. */
export function followSuite(createHarness: () => Promise<EventLogHarness>): void {
  describe('follow', () => {
    const session = eventLogSession(createHarness);
    const follow = (from: EventLog) => {
      const last = new Map<string, string>();
      const follower = from.follow('facts', async (record) => void last.set(record.key, textOf(record)));
      return { last, follower: session.stopAfterwards(follower) };
    };

    beforeEach(() => session.log.createTopics([{ name: 'facts', partitions: 3, retention: 'compact' }]));

    it('shows every follower the last record of each key, then what is said from now on', async () => {
      await session.log.append(numbered(50, 7, 'facts'));
      const other = await session.open();
      const followers = [follow(session.log), follow(other)];
      const lasts = Object.fromEntries(Array.from({ length: 7 }, (_, key) => [`key-${key}`, numbersOf(key, 50, 7).at(-1)!]));
      for (const { last, follower } of followers) {
        await follower.caughtUp;
        expect(Object.fromEntries(last)).toEqual(lasts);
      }
      await session.log.append([{ topic: 'facts', record: aRecord('key-3', 'new') }]);
      for (const { last } of followers) await vi.waitFor(() => expect(last.get('key-3')).toBe('new'), patience);
    });

    it('has caught up with an empty topic at once', async () => {
      const { last, follower } = follow(session.log);
      await follower.caughtUp;
      expect(last.size).toBe(0);
      await session.log.append([{ topic: 'facts', record: aRecord('a', '1') }]);
      await vi.waitFor(() => expect(last.get('a')).toBe('1'), patience);
    });

    it('ends by an error of the reader, and says so to whoever waits to catch up', async () => {
      await session.log.append(numbered(1, 1, 'facts'));
      const follower = session.log.follow('facts', async () => {
        throw new LlambertError('internal', 'a fault of ours');
      });
      await expect(follower.done).rejects.toMatchObject({ message: 'a fault of ours' });
      await expect(follower.caughtUp).rejects.toMatchObject({ message: 'a fault of ours' });
    });

    it('hands a record over again after a passing failure', async () => {
      await session.log.append(numbered(3, 1, 'facts'));
      const seen: string[] = [];
      let failures = 0;
      const follower = session.log.follow('facts', async (record) => {
        if (failures++ < 2) throw new LlambertError('store_unavailable', 'not yet');
        seen.push(textOf(record));
      });
      session.stopAfterwards(follower);
      await follower.caughtUp;
      expect(seen.at(-1)).toBe('2');
    });

    it('follows compacted topics only', async () => {
      await expect(session.log.follow('in', async () => undefined).done).rejects.toMatchObject({ code: 'invalid_input' });
    });

    it('lets groups consume a compacted topic as well', async () => {
      await session.log.append(numbered(50, 7, 'facts'));
      const last = new Map<string, string>();
      session.consume({
        topic: 'facts',
        handle: async (batch) => {
          for (const record of batch) last.set(record.key, textOf(record));
          return [];
        },
      });
      await session.untilRead('copy', 'facts');
      expect(last.get('key-0')).toBe('49');
    });
  });
}
