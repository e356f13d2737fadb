import { describe, expect, it, vi } from 'vitest';
import { textOf } from './copy-records.ts';
import type { EventLogHarness } from './harness.ts';
import { eventLogSession, numbered, patience } from './session.ts';

/** What stays of a topic. */
export function retentionSuite(createHarness: () => Promise<EventLogHarness>): void {
  describe('retention', () => {
    const session = eventLogSession(createHarness);

    it('keeps what any group still needs, and drops what all have read', async () => {
      await session.log.createTopics([{ name: 'once', partitions: 1, retention: 'when-read' }]);
      await session.log.append(numbered(20, 3, 'once'));
      const slow = session.consume({ group: 'slow', topic: 'once', maxBatch: 4, handle: async () => [] });
      await session.untilRead('slow', 'once');
      await slow.stop();
      await session.log.append(numbered(20, 3, 'once'));
      session.consume({ group: 'fast', topic: 'once', handle: async () => [] });
      await session.untilRead('fast', 'once');
      // The slow group has not read the second half, the fast one everything.
      expect((await session.texts('once')).slice(-20)).toEqual(Array.from({ length: 20 }, (_, index) => String(index)));
      expect(await session.lag('slow', 'once')).toBe(20);
      const seen: string[] = [];
      session.consume({
        group: 'slow',
        topic: 'once',
        handle: async (batch) => {
          seen.push(...batch.map(textOf));
          return [];
        },
      });
      await session.untilRead('slow', 'once');
      expect(seen).toHaveLength(20);
      await vi.waitFor(async () => expect(await session.texts('once')).toEqual([]), patience);
      expect(await session.log.endOffsets('once')).toEqual([40]);
    });

    it('lets a late group begin at the earliest record that is kept', async () => {
      await session.log.createTopics([{ name: 'once', partitions: 1, retention: 'when-read' }]);
      await session.log.append(numbered(20, 3, 'once'));
      session.consume({ group: 'fast', topic: 'once', handle: async () => [] });
      await vi.waitFor(async () => expect(await session.texts('once')).toEqual([]), patience);
      session.consume({ group: 'late', topic: 'once', handle: async () => [] });
      await session.untilRead('late', 'once');
      await session.log.append(numbered(2, 2, 'once'));
      await session.untilRead('late', 'once');
    });
  });
}
