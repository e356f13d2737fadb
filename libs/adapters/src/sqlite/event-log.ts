import type { DatabaseSync } from 'node:sqlite';
import type { Clock, EventLog, EventLogReader, OnRetry } from '@llambert/domain';
import { startConsumer } from './consumer.ts';
import { inTransaction, pragma } from './database.ts';
import { startFollower } from './follower.ts';
import { createGroupTables, type GroupTables, groupTables } from './group-tables.ts';
import { type LogContext, topicKey } from './log-context.ts';
import { createLogTables, type LogTables, logTables } from './log-tables.ts';
import { openDatabaseToRead } from './read-database.ts';
import { wakeups } from './wakeups.ts';

export interface SqliteEventLogOptions {
  readonly clock: Clock;
  /** A number in [0, 1): spreads retries. */
  readonly random?: () => number;
  /** How long a member of a group that shows no life keeps its partitions. */
  readonly leaseMs?: number;
  /** How often other processes' appends are looked for: at first, and when nothing happens. */
  readonly pollMs?: { readonly min: number; readonly max: number };
  /** How long a stopped consumer's handler may take before its signal is aborted. */
  readonly stopGraceMs?: number;
  readonly onRetry?: OnRetry;
}

const readLimits = { maxRecords: 1000, maxBytes: 1 << 20 };

/** Free pages that a busy file keeps to be used again, and how many are given back to the disk at a time. */
const spareFreePages = 1024;
const vacuumPages = 512;

/**
 * The event log in a SQLite file, for any number of processes of one machine. The database stays the caller's: close it after all
 * consumers were stopped. Errors: `store_unavailable` (another process kept the file locked), `disk_full`, `not_found` (topic).
 */
export function sqliteEventLog(database: DatabaseSync, options: SqliteEventLogOptions): EventLog {
  createLogTables(database);
  createGroupTables(database);
  const log = logTables(database);
  const groups = groupTables(database, log);
  const { clock, pollMs = { min: 50, max: 200 } } = options;
  const poll = poller(database);
  const context: LogContext = {
    log,
    groups,
    wakeups: wakeups(clock, { minMs: pollMs.min, maxMs: pollMs.max, poll }),
    clock,
    random: options.random ?? Math.random,
    leaseMs: options.leaseMs ?? 10_000,
    stopGraceMs: options.stopGraceMs ?? 30_000,
    onRetry: options.onRetry ?? (() => undefined),
  };

  return {
    createTopics: async (topics) => log.createTopics(topics),
    append: async (records) => {
      const encoded = log.encode(records);
      inTransaction(database, () => log.append(encoded));
      for (const topic of encoded.topics) context.wakeups.wake(topicKey(topic));
    },
    consume: (consumeOptions) => startConsumer(context, consumeOptions),
    follow: (topic, onRecord) => startFollower(context, topic, onRecord),
    ...reader(log, groups),
  };
}

/** Opens the event log of a SQLite file to look into it; see `openDatabaseToRead`. */
export function sqliteEventLogToRead(path: string): EventLogReader & { expectUnchanged(): void; close(): void } {
  // The last of the tables that `sqliteEventLog` creates.
  const { database, expectUnchanged } = openDatabaseToRead(path, 'log_member');
  const log = logTables(database);
  return { ...reader(log, groupTables(database, log)), expectUnchanged, close: () => database.close() };
}

function reader(log: LogTables, groups: GroupTables): EventLogReader {
  return {
    endOffsets: async (topic) => log.topic(topic).partitions.map(log.endOffset),
    committedOffsets: async (group, topic) => log.topic(topic).partitions.map((partition) => groups.committedOffset(group, partition)),
    async *read(topicName, number, from) {
      const partition = log.partition(topicName, number);
      const end = log.endOffset(partition);
      for (let next = from; next < end; ) {
        const read = log.read(partition, next, readLimits);
        next = read.next;
        const records = next > end ? read.records.filter(({ offset }) => offset < end) : read.records;
        if (records.length > 0) yield records;
      }
    },
  };
}

/** One look at the file: whether other processes wrote to it; gives free pages back to the disk, all of them once nobody writes. */
function poller(database: DatabaseSync): () => boolean {
  const ownChanges = database.prepare('select total_changes() as changes');
  const seen = { version: -1, changes: -1 };
  return () => {
    const version = pragma(database, 'data_version');
    const { changes } = ownChanges.get() as { changes: number };
    const othersWrote = version !== seen.version;
    const idle = !othersWrote && changes === seen.changes;
    Object.assign(seen, { version, changes });
    if (pragma(database, 'freelist_count') > (idle ? 0 : spareFreePages)) database.exec(`pragma incremental_vacuum(${vacuumPages})`);
    return othersWrote;
  };
}
