import type { ConsumeOptions, Consumer, EventLog, RecordToAppend } from '@llambert/domain';
import { afterEach, beforeEach, expect, vi } from 'vitest';
import { aRecord, copyRecords, copyTopics, readTopic, textOf } from './copy-records.ts';
import type { EventLogHarness, OpenedEventLog } from './harness.ts';

/** How long to look for what should come: rebalancing may take a system some seconds. */
export const patience = { timeout: 25_000, interval: 20 };

/** A test's log and the consumers it started. */
export interface EventLogSession {
  readonly harness: EventLogHarness;
  readonly log: EventLog;
  open(): Promise<EventLog>;
  /** Starts a member of the group `copy` that copies `in`, unless told otherwise. */
  consume(options?: Partial<ConsumeOptions>, from?: EventLog): Consumer;
  /** Has a consumer or follower stopped before the log is destroyed. */
  stopAfterwards<Started extends Consumer>(started: Started): Started;
  /** How many records of a topic a group has not read. */
  lag(group: string, topic?: string): Promise<number>;
  untilRead(group: string, topic?: string): Promise<void>;
  /** The values of a topic's records, partition after partition. */
  texts(topic: string): Promise<readonly string[]>;
}

/** Gives each test of the enclosing `describe` a log of its own with the topics of `copyRecords`; valid while a test runs. */
export function eventLogSession(createHarness: () => Promise<EventLogHarness>): EventLogSession {
  let harness: EventLogHarness;
  let opened: OpenedEventLog;
  let started: Consumer[] = [];
  beforeEach(async () => {
    harness = await createHarness();
    opened = await harness.open();
    await opened.eventLog.createTopics(copyTopics);
  });
  afterEach(async () => {
    await Promise.all(started.map((consumer) => consumer.stop()));
    started = [];
    await harness.destroy();
  });

  const stopAfterwards = <Started extends Consumer>(consumer: Started) => {
    started.push(consumer);
    return consumer;
  };
  const lag = async (group: string, topic = 'in') => {
    const committed = await opened.eventLog.committedOffsets(group, topic);
    return (await opened.eventLog.endOffsets(topic)).reduce((sum, end, partition) => sum + end - committed[partition]!, 0);
  };
  return {
    get harness() {
      return harness;
    },
    get log() {
      return opened.eventLog;
    },
    open: async () => (await harness.open()).eventLog,
    stopAfterwards,
    consume: (options = {}, from = opened.eventLog) =>
      stopAfterwards(from.consume({ group: 'copy', topic: 'in', maxBatch: 10, handle: async (batch) => copyRecords(batch), ...options })),
    lag,
    untilRead: (group, topic) => vi.waitFor(async () => expect(await lag(group, topic)).toBe(0), patience),
    texts: async (topic) => (await readTopic(opened.eventLog, topic)).map(textOf),
  };
}

/** Records 0 to count - 1, dealt out to the keys `key-0` to `key-<keys - 1>`. */
export function numbered(count: number, keys: number, topic = 'in'): RecordToAppend[] {
  return Array.from({ length: count }, (_, index) => ({ topic, record: aRecord(`key-${index % keys}`, String(index)) }));
}

/** What `numbered` gave to a key, in order. */
export function numbersOf(key: number, count: number, keys: number): string[] {
  return Array.from({ length: count }, (_, index) => index).flatMap((index) => (index % keys === key ? [String(index)] : []));
}
