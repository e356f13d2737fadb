import type { DatabaseSync } from 'node:sqlite';
import {
  type ConsumedRecord,
  LlambertError,
  type LogRecord,
  type RecordToAppend,
  type Retention,
  type TopicDefinition,
} from '@llambert/domain';
import { fileOf, inTransaction, onDatabase } from './database.ts';
import { partitionOf } from './partition-hash.ts';
import { decodeBatch, type EncodedBatch, encodeBatches } from './record-batch.ts';
import { damaged } from './sqlite-error.ts';

/** A row of `log_batch` holds the records base_offset to base_offset + count - 1 of a partition; `key` is set in compacted topics only. */
const schema = `
  create table if not exists log_topic (
    id integer primary key,
    name text not null unique,
    retention text not null check (retention in ('keep', 'when-read', 'compact'))
  ) strict;
  create table if not exists log_partition (
    id integer primary key,
    topic_id integer not null references log_topic,
    number integer not null,
    end_offset integer not null default 0,
    unique (topic_id, number)
  ) strict;
  create table if not exists log_batch (
    id integer primary key,
    partition_id integer not null references log_partition,
    base_offset integer not null,
    count integer not null,
    key text,
    payload blob not null,
    unique (partition_id, base_offset)
  ) strict;
  create unique index if not exists log_batch_key on log_batch (partition_id, key) where key is not null;
`;

export interface Partition {
  readonly id: number;
  readonly topic: string;
  readonly number: number;
}

export interface Topic {
  readonly id: number;
  readonly name: string;
  readonly retention: Retention;
  readonly partitions: readonly Partition[];
}

/** Records on their way into a partition, encoded before the transaction begins so that it is short. */
export interface EncodedAppend {
  readonly topics: ReadonlySet<Topic>;
  readonly parts: readonly { partition: Partition; batches: readonly (EncodedBatch & { key: string | null })[] }[];
}

export interface LogTables {
  createTopics(definitions: readonly TopicDefinition[]): void;
  /** Throws `not_found` for a topic that nobody created. */
  topic(name: string): Topic;
  /** Throws `not_found`, as above, and for a partition that the topic does not have. */
  partition(topic: string, number: number): Partition;
  encode(records: readonly RecordToAppend[]): EncodedAppend;
  /** To be called within a transaction. */
  append(encoded: EncodedAppend): void;
  /**
   * Records from an offset on, in order, in whole rows: stops once there are `maxRecords` or their values passed `maxBytes`.
   * `next` is where to go on: with no records, the partition's end.
   */
  read(partition: Partition, from: number, limits: { maxRecords: number; maxBytes: number }): { records: ConsumedRecord[]; next: number };
  endOffset(partition: Partition): number;
}

/** Creates the tables of topics and their records where they are not there. */
export function createLogTables(database: DatabaseSync): void {
  inTransaction(database, () => database.exec(schema));
}

export function logTables(database: DatabaseSync): LogTables {
  const insertTopic = database.prepare('insert into log_topic (name, retention) values (?, ?) returning id');
  const insertPartition = database.prepare('insert into log_partition (topic_id, number) values (?, ?)');
  const selectTopic = database.prepare('select id, retention from log_topic where name = ?');
  const selectPartitions = database.prepare('select id, number from log_partition where topic_id = ? order by number');
  const selectEnd = database.prepare('select end_offset as "end" from log_partition where id = ?');
  const updateEnd = database.prepare('update log_partition set end_offset = ? where id = ?');
  const deleteKey = database.prepare('delete from log_batch where partition_id = ? and key = ?');
  const insertBatch = database.prepare('insert into log_batch (partition_id, base_offset, count, key, payload) values (?, ?, ?, ?, ?)');
  // The row that holds an offset may begin before it.
  const selectBatches = database.prepare(
    `select base_offset as base, count, payload from log_batch
     where partition_id = ?1 and base_offset + count > ?2
       and base_offset >= coalesce((select max(base_offset) from log_batch where partition_id = ?1 and base_offset <= ?2), 0)
     order by base_offset`,
  );

  const topics = new Map<string, Topic>();

  function find(name: string): Topic | null {
    const known = topics.get(name);
    if (known !== undefined) return known;
    return onDatabase(database, () => {
      const row = selectTopic.get(name) as { id: number; retention: Retention } | undefined;
      if (row === undefined) return null;
      const rows = selectPartitions.all(row.id) as { id: number; number: number }[];
      const topic = { ...row, name, partitions: rows.map((partition) => ({ ...partition, topic: name })) };
      topics.set(name, topic);
      return topic;
    });
  }

  function topic(name: string): Topic {
    const found = find(name);
    if (found === null) throw new LlambertError('not_found', `there is no topic ${name}: create it first`, { facts: { topic: name } });
    return found;
  }

  function endOffset(partition: Partition): number {
    return onDatabase(database, () => selectEnd.get(partition.id) as { end: number }).end;
  }

  function createTopic(definition: TopicDefinition): void {
    const known = find(definition.name);
    if (known !== null) {
      requireEqual(known, definition);
      return;
    }
    const { id } = insertTopic.get(definition.name, definition.retention) as { id: number };
    for (let number = 0; number < definition.partitions; number++) insertPartition.run(id, number);
  }

  /** The records of a row of `log_batch`. */
  function decode(partition: Partition, row: unknown): { base: number; records: ConsumedRecord[] } {
    const { base, count, payload } = row as { base: number; count: number; payload: Uint8Array };
    const place = { topic: partition.topic, partition: partition.number, baseOffset: base };
    const damage = (cause?: unknown) =>
      damaged(fileOf(database), `${place.topic}/${place.partition} cannot be read at offset ${base}`, cause);
    try {
      const records = decodeBatch(payload, place);
      if (records.length === count) return { base, records };
    } catch (error) {
      throw damage(error);
    }
    throw damage();
  }

  return {
    topic,
    endOffset,
    partition(name, number) {
      const found = topic(name).partitions[number];
      if (found === undefined)
        throw new LlambertError('not_found', `the topic ${name} has no partition ${number}`, { facts: { topic: name, number } });
      return found;
    },
    createTopics(definitions) {
      for (const definition of definitions) requireSound(definition);
      try {
        inTransaction(database, () => {
          for (const definition of definitions) createTopic(definition);
        });
      } finally {
        // What was looked up within the transaction is not there if it failed.
        topics.clear();
      }
    },
    encode(records) {
      const byPartition = new Map<number, { topic: Topic; partition: Partition; records: LogRecord[] }>();
      for (const { topic: name, record } of records) {
        const target = topic(name);
        const partition = target.partitions[partitionOf(record.key, target.partitions.length)]!;
        const part = byPartition.get(partition.id);
        if (part === undefined) byPartition.set(partition.id, { topic: target, partition, records: [record] });
        else part.records.push(record);
      }
      const parts = [...byPartition.values()];
      return {
        topics: new Set(parts.map((part) => part.topic)),
        parts: parts.map(({ topic: { retention }, partition, records: own }) => ({
          partition,
          batches:
            retention === 'compact'
              ? own.map((record) => ({ ...encodeBatches([record])[0]!, key: record.key }))
              : encodeBatches(own).map((batch) => ({ ...batch, key: null })),
        })),
      };
    },
    append({ parts }) {
      for (const { partition, batches } of parts) {
        let end = endOffset(partition);
        for (const { key, count, payload } of batches) {
          if (key !== null) deleteKey.run(partition.id, key);
          insertBatch.run(partition.id, end, count, key, payload);
          end += count;
        }
        updateEnd.run(end, partition.id);
      }
    },
    read(partition, from, { maxRecords, maxBytes }) {
      // Read before the rows: what is appended in between is left for the next call.
      const end = endOffset(partition);
      const records: ConsumedRecord[] = [];
      let next = from;
      let bytes = 0;
      return onDatabase(database, () => {
        for (const row of selectBatches.iterate(partition.id, from)) {
          const { base, records: decoded } = decode(partition, row);
          for (const record of base < from ? decoded.slice(from - base) : decoded) {
            records.push(record);
            bytes += record.value.byteLength;
          }
          next = base + decoded.length;
          if (records.length >= maxRecords || bytes >= maxBytes) return { records, next };
        }
        return { records, next: Math.max(next, end) };
      });
    },
  };
}

function requireSound({ name, partitions }: TopicDefinition): void {
  if (name === '') throw new LlambertError('invalid_input', 'a topic needs a name');
  if (!Number.isInteger(partitions) || partitions < 1) {
    throw new LlambertError('invalid_input', `the topic ${name} needs at least one partition, not ${partitions}`, {
      facts: { topic: name },
    });
  }
}

function requireEqual(known: Topic, wanted: TopicDefinition): void {
  if (known.partitions.length === wanted.partitions && known.retention === wanted.retention) return;
  throw new LlambertError(
    'conflict',
    `the topic ${known.name} is there with ${known.partitions.length} partitions and retention "${known.retention}", wanted were ` +
      `${wanted.partitions} and "${wanted.retention}": use other names, or a fresh event log`,
    { facts: { topic: known.name } },
  );
}
