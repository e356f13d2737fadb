import type { Clock, OnRetry } from '@llambert/domain';
import type { GroupTables } from './group-tables.ts';
import type { LogTables, Topic } from './log-tables.ts';
import type { Wakeups } from './wakeups.ts';

/** What consumers and followers work with. */
export interface LogContext {
  readonly log: LogTables;
  readonly groups: GroupTables;
  readonly wakeups: Wakeups;
  readonly clock: Clock;
  readonly random: () => number;
  readonly leaseMs: number;
  readonly stopGraceMs: number;
  readonly onRetry: OnRetry;
}

/** Woken when records are appended to a topic. */
export function topicKey(topic: Topic): string {
  return `topic ${topic.id}`;
}
