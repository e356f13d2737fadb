import { usableDocument } from '@llambert/contracts';
import { type Document, type EventLogReader, hashFraction, LlambertError, type Task } from '@llambert/domain';

/**
 * Documents of a task's source, drawn uniformly without those that are known already: by hash of the id, so that the same part of the
 * source gives the same ones in whatever order it is read. Throws `cancelled` when stopped.
 * @param wanted.ends offsets by partition up to which the source is read
 * @param wanted.known ids of documents that are labelled, or that certify
 * @returns at most `count`, by hash; the source is read through once, and twice as many are in memory at most
 */
export async function drawUnlabelled(
  log: EventLogReader,
  task: Task,
  { count, ends, known }: { readonly count: number; readonly ends: readonly number[]; readonly known: ReadonlySet<string> },
  signal: AbortSignal,
): Promise<Document[]> {
  let drawn = new Map<string, { readonly at: number; readonly document: Document }>();
  let ceiling = Number.POSITIVE_INFINITY;
  for (const [partition, end] of ends.entries()) {
    for await (const records of log.read(task.topics.source, partition, 0)) {
      if (signal.aborted) throw new LlambertError('cancelled', 'drawing unlabelled documents was stopped');
      if (records[0]!.offset >= end) break;
      for (const record of records) {
        if (record.offset >= end) break;
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
