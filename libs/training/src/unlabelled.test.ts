import { openDatabase, sqliteEventLog } from '@llambert/adapters/sqlite';
import { encodeDocument } from '@llambert/contracts';
import { systemClock } from '@llambert/platform';
import { aDocument, aTask } from '@llambert/testing';
import { describe, expect, it } from 'vitest';
import { drawUnlabelled } from './unlabelled.ts';

const task = aTask();

async function drawnFrom(
  ids: readonly string[],
  count: number,
  known: readonly string[] = [],
  later: readonly string[] = [],
): Promise<string[]> {
  const database = openDatabase(':memory:');
  try {
    const log = sqliteEventLog(database, { clock: systemClock });
    await log.createTopics([{ name: task.topics.source, partitions: 3, retention: 'keep' }]);
    const recordsOf = (some: readonly string[]) =>
      some.map((id) => ({ topic: task.topics.source, record: encodeDocument(aDocument({ id, text: `text of ${id}` })) }));
    const broken = { key: 'broken', value: new Uint8Array([255]), headers: {} };
    await log.append([...recordsOf(ids), { topic: task.topics.source, record: broken }]);
    const ends = await log.endOffsets(task.topics.source);
    await log.append(recordsOf(later));
    const documents = await drawUnlabelled(log, task, { count, ends, known: new Set(known) }, new AbortController().signal);
    for (const { id, text } of documents) expect(text).toBe(`text of ${id}`);
    return documents.map(({ id }) => id);
  } finally {
    database.close();
  }
}

const ids = Array.from({ length: 500 }, (_, index) => `d${index}`);

describe('unlabelled documents', () => {
  it('are all of a small source, each once, but those that are known and what cannot be read', async () => {
    const drawn = await drawnFrom([...ids, ...ids.slice(0, 50)], 1000, ['d7', 'd8']);
    expect(drawn.toSorted()).toEqual(ids.filter((id) => id !== 'd7' && id !== 'd8').toSorted());
  });

  it('are the same ones of a large source in whatever order it is read, and fewer are the first of more', async () => {
    const drawn = await drawnFrom(ids, 40);
    expect(drawn).toHaveLength(40);
    expect(await drawnFrom(ids.toReversed(), 40)).toEqual(drawn);
    expect(await drawnFrom(ids, 100)).toEqual(expect.arrayContaining(drawn));
  });

  it('are none that came after the round was complete', async () => {
    expect(await drawnFrom(ids, 1000, [], ['late', 'later'])).toEqual(await drawnFrom(ids, 1000));
  });

  it('come from all of the source alike', async () => {
    const drawn = await drawnFrom(ids, 200);
    const early = drawn.filter((id) => Number(id.slice(1)) < 250).length;
    // Hypergeometric: 100 expected, standard deviation 5.5.
    expect(Math.abs(early - 100)).toBeLessThan(25);
  });
});
