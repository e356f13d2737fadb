import type { ConsumedRecord, LogRecord } from '@llambert/domain';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aRecord, copyTopics } from './copy-records.ts';
import type { EventLogHarness } from './harness.ts';
import { eventLogSession, numbered } from './session.ts';

/** A record as it compares: whatever the classes of its parts. */
const plain = ({ key, value, headers }: LogRecord) => ({ key, value: [...value], headers: { ...headers } });

/** Topics, and what is appended to them comes back. */
export function appendSuite(createHarness: () => Promise<EventLogHarness>): void {
  describe('topics and appends', () => {
    const session = eventLogSession(createHarness);

    it('creates a topic once, and refuses to change it', async () => {
      await session.log.createTopics(copyTopics);
      await expect(session.log.createTopics([{ name: 'in', partitions: 5, retention: 'keep' }])).rejects.toMatchObject({
        code: 'conflict',
      });
      await expect(session.log.createTopics([{ name: 'in', partitions: 4, retention: 'compact' }])).rejects.toMatchObject({
        code: 'conflict',
      });
      expect(await session.log.endOffsets('in')).toEqual([0, 0, 0, 0]);
    });

    it('knows no topic that nobody created', async () => {
      await expect(session.log.append([{ topic: 'nowhere', record: aRecord('a') }])).rejects.toMatchObject({ code: 'not_found' });
      await expect(session.consume({ topic: 'nowhere' }).done).rejects.toMatchObject({ code: 'not_found' });
      await expect(session.log.endOffsets('nowhere')).rejects.toMatchObject({ code: 'not_found' });
    });

    it('appends to several topics all or none', async () => {
      await session.log.append([...numbered(5, 5), ...numbered(3, 3, 'out')]);
      await expect(session.log.append([...numbered(5, 5), { topic: 'nowhere', record: aRecord('a') }])).rejects.toMatchObject({
        code: 'not_found',
      });
      expect(await session.texts('in')).toHaveLength(5);
      expect(await session.texts('out')).toHaveLength(3);
    });

    it('gives back what it was given, in order, the records of a key in one partition', async () => {
      const anyRecord = fc.record({
        key: fc.oneof(fc.constantFrom('a', 'b', ''), fc.string({ unit: 'grapheme', maxLength: 20 })),
        value: fc.oneof(fc.uint8Array({ maxLength: 30 }), fc.uint8Array({ minLength: 900, maxLength: 1100 })),
        headers: fc.dictionary(
          fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 8 }),
          fc.string({ unit: 'grapheme', maxLength: 8 }),
          {
            maxKeys: 3,
            noNullPrototype: true,
          },
        ),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(anyRecord, { maxLength: 12 }), async (records) => {
          const before = await session.log.endOffsets('in');
          await session.log.append(records.map((record) => ({ topic: 'in', record })));
          const read: ConsumedRecord[] = [];
          for (const [partition, from] of before.entries())
            read.push(...(await Array.fromAsync(session.log.read('in', partition, from))).flat());
          expect(read).toHaveLength(records.length);
          for (const key of new Set(records.map((record) => record.key))) {
            const own = read.filter((record) => record.key === key);
            expect(new Set(own.map(({ partition }) => partition)).size).toBe(1);
            expect(own.map(plain)).toEqual(records.filter((record) => record.key === key).map(plain));
          }
        }),
        { numRuns: 30 },
      );
    });

    it('reads a partition from any offset up to the end', async () => {
      await session.log.append(numbered(30, 1).slice(0, 20));
      await session.log.append(numbered(30, 1).slice(20));
      const partition = (await session.log.endOffsets('in')).indexOf(30);
      for (const from of [0, 7, 19, 20, 29, 30]) {
        const batches = await Array.fromAsync(session.log.read('in', partition, from));
        expect(batches.every((batch) => batch.length > 0)).toBe(true);
        expect(batches.flat().map(({ offset }) => offset)).toEqual(Array.from({ length: 30 - from }, (_, index) => from + index));
      }
    });
  });
}
