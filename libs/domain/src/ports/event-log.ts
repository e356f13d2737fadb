/** What a producer hands over. */
export interface LogRecord {
  /** Records of a topic with equal keys keep their order. */
  readonly key: string;
  readonly value: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
}

export interface ConsumedRecord extends LogRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

export interface RecordToAppend {
  readonly topic: string;
  readonly record: LogRecord;
}

/**
 * What becomes of a topic's records. `keep`: they stay; `when-read`: gone once every group that ever consumed the topic has committed
 * past them; `compact`: at least the last record of each key stays.
 */
export type Retention = 'keep' | 'when-read' | 'compact';

export interface TopicDefinition {
  readonly name: string;
  readonly partitions: number;
  readonly retention: Retention;
}

/**
 * From a batch (records of one partition, in order, never empty) to what it gives rise to. The adapter commits outputs and the
 * batch's offsets in one transaction, so that each record has its outputs exactly once, whatever is killed when. A handler that
 * writes state instead must write idempotently before it returns: it sees a batch again after a crash, perhaps cut elsewhere.
 * Throwing a retryable LlambertError backs off and hands the same records in again; any other error ends the consumer.
 */
export type BatchHandler = (batch: readonly ConsumedRecord[], signal: AbortSignal) => Promise<readonly RecordToAppend[]>;

export interface ConsumeOptions {
  readonly group: string;
  readonly topic: string;
  /** Most records in a batch. */
  readonly maxBatch: number;
  readonly handle: BatchHandler;
}

export interface Consumer {
  /** Finishes the batch in hand, commits it and lets go of its partitions. */
  stop(): Promise<void>;
  /** Resolves after `stop`; rejects when the consumer ended by an error. */
  readonly done: Promise<void>;
}

/** What can be looked up in an event log without leaving a trace. */
export interface EventLogReader {
  /** The offset after the last record, by partition. Not lowered by retention. */
  endOffsets(topic: string): Promise<readonly number[]>;
  /** The next offset a group will read, by partition; 0 where it has not begun. */
  committedOffsets(group: string, topic: string): Promise<readonly number[]>;
  /** The records of one partition from an offset up to the end as it is now, in batches. No group, nothing remembered. */
  read(topic: string, partition: number, from: number): AsyncIterable<readonly ConsumedRecord[]>;
}

/**
 * The event log. Two ways to read it: `consume`, shared by the members of a group and remembered by it, and `follow`, by which every
 * reader sees all of a compacted topic. Groups start at the earliest record that is kept.
 */
export interface EventLog extends EventLogReader {
  /** Creates topics that are not there; one that is there with other partitions or retention is a `conflict`. */
  createTopics(topics: readonly TopicDefinition[]): Promise<void>;
  /** Appends all records or none. A record without a partition of its own goes by the hash of its key. */
  append(records: readonly RecordToAppend[]): Promise<void>;
  consume(options: ConsumeOptions): Consumer;
  /**
   * Hands every record of a compacted topic to `onRecord`, one after the other, then goes on with what is appended; a record that fails
   * with a retryable error is handed over again. `caughtUp` resolves when all that was there at the call has been handed over.
   */
  follow(topic: string, onRecord: (record: ConsumedRecord) => Promise<void>): Consumer & { readonly caughtUp: Promise<void> };
}
