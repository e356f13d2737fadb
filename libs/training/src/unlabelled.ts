import { usableDocument } from '@llambert/contracts';
import { type Document, type EventLogReader, hashFraction, type Task } from '@llambert/domain';

/**
 * Documents of a task's source as it is now, drawn uniformly without those that are known already: by hash of the id, so that the
 * same source gives the same ones in whatever order it is read.
 * @param known ids of documents that are labelled, or that certify
 * @returns at most `count`, by hash; the source is read through once, and twice as many are in memory at most
 */
export async function drawUnlabelled(log: EventLogReader, task: Task, count: number, known: ReadonlySet<string>): Promise<Document[]> {
  const topic = task.topics.source;
  let drawn = new Map<string, { readonly at: number; readonly document: Document }>();
  let ceiling = Number.POSITIVE_INFINITY;
  for (const partition of (await log.endOffsets(topic)).keys()) {
    for await (const records of log.read(topic, partition, 0)) {
      for (const record of records) {
        const document = usableDocument(record);
        if (document === null || known.has(document.id) || drawn.has(document.id)) continue;
        const at = hashFraction(`unlabelled.v1:${task.name}`, document.id);
        if (at >= ceiling) continue;
        drawn.set(document.id, { at, document });
        if (drawn.size < 2 * count) continue;
        drawn = lowest(drawn, count);
        ceiling = [...drawn.values()].at(-1)!.at;
      }
    }
  }
  return [...lowest(drawn, count).values()].map(({ document }) => document);
}

function lowest<T extends { readonly at: number }>(drawn: ReadonlyMap<string, T>, count: number): Map<string, T> {
  return new Map([...drawn].sort(([, left], [, right]) => left.at - right.at).slice(0, count));
}
