import type { ConsumedRecord } from '@llambert/domain';
import type { LogTables, Partition } from './log-tables.ts';

/** Bounds the memory of a batch of large records: it ends with the record that passes this. */
const batchMaxBytes = 4 << 20;

/** A partition's records ahead of a group's offset, decoded and cut into batches. */
export interface BatchQueue {
  /** Reads ahead until the next batch is complete or the partition ends. */
  prefetch(): void;
  /** The next batch; empty at the partition's end. */
  take(): readonly ConsumedRecord[];
}

export function batchQueue(log: LogTables, partition: Partition, from: number, maxBatch: number): BatchQueue {
  let queued: ConsumedRecord[] = [];
  let next = from;

  /** How many of the queued records make a batch, and whether more could join it. */
  function measure(): { length: number; full: boolean } {
    let bytes = 0;
    for (const [index, record] of queued.entries()) {
      bytes += record.value.byteLength;
      if (index + 1 === maxBatch || bytes >= batchMaxBytes) return { length: index + 1, full: true };
    }
    return { length: queued.length, full: false };
  }

  function prefetch(): void {
    while (!measure().full) {
      const read = log.read(partition, next, { maxRecords: maxBatch - queued.length, maxBytes: batchMaxBytes });
      next = read.next;
      if (read.records.length === 0) return;
      queued = [...queued, ...read.records];
    }
  }

  return {
    prefetch,
    take() {
      prefetch();
      const { length } = measure();
      const batch = queued.slice(0, length);
      queued = queued.slice(length);
      return batch;
    },
  };
}
