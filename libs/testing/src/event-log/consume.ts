import { type EventLog, LlambertError } from '@llambert/domain';
import { describe, expect, it, vi } from 'vitest';
import { aRecord, copyRecords, readTopic, textOf } from './copy-records.ts';
import type { EventLogHarness } from './harness.ts';
import { eventLogSession, numbered, numbersOf, patience } from './session.ts';

/** Groups: offsets, order, failures, sharing. */
export function consumeSuite(createHarness: () => Promise<EventLogHarness>): void {
  describe('consume', () => {
    const session = eventLogSession(createHarness);

    it('hands over batches of one partition, in order, none empty or too large, and commits outputs with offsets', async () => {
      await session.log.append(numbered(200, 7));
      const batches: { partition: number; length: number; offsets: number[] }[] = [];
      session.consume({
        handle: async (batch) => {
          expect(new Set(batch.map(({ partition }) => partition)).size).toBe(1);
          batches.push({ partition: batch[0]!.partition, length: batch.length, offsets: batch.map(({ offset }) => offset) });
          return copyRecords(batch);
        },
      });
      await session.untilRead('copy');
      expect(batches.every(({ length }) => length > 0 && length <= 10)).toBe(true);
      for (const [partition, end] of (await session.log.endOffsets('in')).entries()) {
        const offsets = batches.filter((batch) => batch.partition === partition).flatMap((batch) => batch.offsets);
        expect(offsets).toEqual(Array.from({ length: end }, (_, index) => index));
      }
      const out = await readTopic(session.log, 'out');
      for (let key = 0; key < 7; key++) {
        expect(out.filter((record) => record.key === `key-${key}`).map(textOf)).toEqual(numbersOf(key, 200, 7));
      }
    });

    it('sees what is appended later, also over another connection', async () => {
      session.consume();
      await session.log.append(numbered(3, 3));
      await session.untilRead('copy');
      const other = await session.open();
      await other.append(numbered(3, 3));
      await vi.waitFor(async () => expect(await session.texts('out')).toHaveLength(6), patience);
    });

    it('goes on after a restart where it stopped', async () => {
      await session.log.append(numbered(20, 4));
      const consumer = session.consume();
      await session.untilRead('copy');
      await consumer.stop();
      await consumer.done;
      await session.log.append(numbered(20, 4));
      const restarted = await session.open();
      session.consume({}, restarted);
      await session.untilRead('copy');
      expect(await session.texts('out')).toHaveLength(40);
    });

    it('lets two groups read the same records, each at its own pace', async () => {
      await session.log.append(numbered(20, 4));
      session.consume();
      await session.untilRead('copy');
      expect(await session.log.committedOffsets('other', 'in')).toEqual([0, 0, 0, 0]);
      const seen: string[] = [];
      session.consume({
        group: 'other',
        handle: async (batch) => {
          seen.push(...batch.map(textOf));
          return [];
        },
      });
      await session.untilRead('other');
      expect(seen).toHaveLength(20);
      expect(await session.texts('out')).toHaveLength(20);
    });

    it('tries a partition again after a passing failure, in order, while the others go on', async () => {
      await session.log.append(numbered(40, 8));
      let failures = 0;
      const stuck = (await readTopic(session.log, 'in'))[0]!.partition;
      const attempts: number[][] = [];
      let broken = true;
      session.consume({
        handle: async (batch) => {
          if (batch[0]!.partition !== stuck) return copyRecords(batch);
          attempts.push(batch.map(({ offset }) => offset));
          if (!broken) return copyRecords(batch);
          failures += 1;
          throw new LlambertError('busy', 'not yet');
        },
      });
      const others = (await readTopic(session.log, 'in')).filter(({ partition }) => partition !== stuck).length;
      await vi.waitFor(async () => expect(await session.texts('out')).toHaveLength(others), patience);
      await vi.waitFor(() => expect(failures).toBeGreaterThan(1), patience);
      expect((await session.log.committedOffsets('copy', 'in'))[stuck]).toBe(0);
      expect(new Set(attempts.map(([first]) => first))).toEqual(new Set([0]));
      broken = false;
      await session.untilRead('copy');
      const out = await readTopic(session.log, 'out');
      expect(out).toHaveLength(40);
      for (let key = 0; key < 8; key++) {
        expect(out.filter((record) => record.key === `key-${key}`).map(textOf)).toEqual(numbersOf(key, 40, 8));
      }
    });

    it('ends by any other error, with nothing committed, and a successor gets the same records', async () => {
      await session.log.append(numbered(5, 1));
      const failing = session.consume({
        handle: async () => {
          throw new LlambertError('internal', 'a fault of ours');
        },
      });
      await expect(failing.done).rejects.toMatchObject({ code: 'internal', message: 'a fault of ours' });
      expect(await session.lag('copy')).toBe(5);
      session.consume();
      await session.untilRead('copy');
      expect(await session.texts('out')).toEqual(['0', '1', '2', '3', '4']);
    });

    it('commits nothing of a batch whose outputs cannot be appended', async () => {
      await session.log.append(numbered(5, 1));
      const failing = session.consume({ handle: async (batch) => [...copyRecords(batch), { topic: 'nowhere', record: aRecord('a') }] });
      await expect(failing.done).rejects.toMatchObject({ code: 'not_found' });
      expect(await session.lag('copy')).toBe(5);
      expect(await session.texts('out')).toEqual([]);
    });

    it('puts dead letters where the handler says, once, and goes on', async () => {
      await session.log.append([...numbered(5, 1), { topic: 'in', record: aRecord('key-0', 'poison') }, ...numbered(5, 1)]);
      session.consume({ maxBatch: 4 });
      await session.untilRead('copy');
      expect(await session.texts('dead')).toEqual(['poison']);
      expect(await session.texts('out')).toHaveLength(10);
    });

    it('finishes the batch in hand and commits it when stopped', async () => {
      await session.log.append(numbered(5, 1));
      const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
      const { promise: finished, resolve: finish } = Promise.withResolvers<void>();
      const consumer = session.consume({
        handle: async (batch) => {
          begin();
          await finished;
          return copyRecords(batch);
        },
      });
      await begun;
      const stopped = consumer.stop();
      finish();
      await stopped;
      await consumer.done;
      expect(await session.lag('copy')).toBe(0);
      expect(await session.texts('out')).toHaveLength(5);
    });

    it('shares the partitions of a group among its members, and again when one leaves', async () => {
      const other = await session.open();
      const seenBy = { one: new Set<number>(), two: new Set<number>() };
      const member = (who: 'one' | 'two', from: EventLog) =>
        session.consume(
          {
            maxBatch: 5,
            handle: async (batch) => {
              seenBy[who].add(batch[0]!.partition);
              return copyRecords(batch);
            },
          },
          from,
        );
      member('one', session.log);
      const two = member('two', other);
      let appended = 0;
      await vi.waitFor(async () => {
        seenBy.one.clear();
        seenBy.two.clear();
        await session.log.append(numbered(40, 40));
        appended += 40;
        await session.untilRead('copy');
        expect([seenBy.one.size, seenBy.two.size]).toEqual([2, 2]);
      }, patience);
      expect(seenBy.one.intersection(seenBy.two).size).toBe(0);
      await two.stop();
      seenBy.one.clear();
      await session.log.append(numbered(40, 40));
      await session.untilRead('copy');
      expect(seenBy.one.size).toBe(4);
      expect(await session.texts('out')).toHaveLength(appended + 40);
    });
  });
}
