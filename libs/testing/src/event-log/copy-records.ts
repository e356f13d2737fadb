import type { ConsumedRecord, EventLog, LogRecord, RecordToAppend, TopicDefinition } from '@llambert/domain';

// The hot path in small, for the event log's suites: `in` is copied to `out`, what cannot be read to `dead`.

export const copyTopics: readonly TopicDefinition[] = [
  { name: 'in', partitions: 4, retention: 'keep' },
  { name: 'out', partitions: 4, retention: 'keep' },
  { name: 'dead', partitions: 1, retention: 'keep' },
];

/** A record with a text as value; `poison` cannot be read by `copyRecords`. */
export function aRecord(key: string, text = '', headers: LogRecord['headers'] = {}): LogRecord {
  return { key, value: Buffer.from(text), headers };
}

export function textOf(record: LogRecord): string {
  return Buffer.from(record.value).toString();
}

/** A handler's pure part: each record's output, marked with where it came from. */
export function copyRecords(batch: readonly ConsumedRecord[]): readonly RecordToAppend[] {
  return batch.map(({ key, value, topic, partition, offset }) => ({
    topic: Buffer.from(value).toString() === 'poison' ? 'dead' : 'out',
    record: { key, value, headers: { source: `${topic}/${partition}/${offset}` } },
  }));
}

/** All records of a topic as they are now, partition after partition. */
export async function readTopic(eventLog: EventLog, topic: string): Promise<readonly ConsumedRecord[]> {
  const records: ConsumedRecord[] = [];
  for (const partition of (await eventLog.endOffsets(topic)).keys()) {
    for await (const batch of eventLog.read(topic, partition, 0)) records.push(...batch);
  }
  return records;
}
