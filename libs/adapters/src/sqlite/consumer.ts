import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  type ConsumedRecord,
  type ConsumeOptions,
  type Consumer,
  LlambertError,
  type RecordToAppend,
  toLlambertError,
} from '@llambert/domain';
import { batchQueue } from './batch-queue.ts';
import type { Member } from './group-tables.ts';
import { type LogContext, topicKey } from './log-context.ts';
import type { Partition } from './log-tables.ts';
import { newMemberId } from './member-id.ts';
import { untilDone } from './retry.ts';

/** Looks for members that came or went, and lease prolongations, in a lease's time. */
const looksPerLease = 10;

/**
 * A member of a consumer group. One loop keeps its share of the partitions; each partition it holds has a loop of its own, with one
 * batch in flight. All of it ends by `leave` signals: a partition's (surplus, lost) or the member's (stopped, failed).
 */
export function startConsumer(context: LogContext, options: ConsumeOptions): Consumer {
  const leaving = new AbortController();
  const impatient = new AbortController();
  let failure: LlambertError | undefined;
  const fail = (error: unknown) => {
    failure ??= toLlambertError(error);
    leaving.abort();
  };

  const done = runMember(context, options, { leaving: leaving.signal, handlers: impatient.signal, fail }).then(() => {
    if (failure !== undefined) throw failure;
  });
  done.catch(() => undefined);

  return {
    done,
    async stop() {
      leaving.abort();
      const ended = new AbortController();
      void context.clock.sleep(context.stopGraceMs, ended.signal).then(() => {
        if (!ended.signal.aborted) impatient.abort(new LlambertError('cancelled', 'the consumer was stopped'));
      });
      await done.catch(() => undefined);
      ended.abort();
    },
  };
}

interface MemberLife {
  /** Aborted when the member must finish what it has in hand and go. */
  readonly leaving: AbortSignal;
  /** What handlers get: aborted when they take too long to finish. */
  readonly handlers: AbortSignal;
  /** Makes the member leave and its `done` reject. */
  readonly fail: (error: unknown) => void;
}

async function runMember(context: LogContext, options: ConsumeOptions, life: MemberLife): Promise<void> {
  const { groups, wakeups, clock, leaseMs } = context;
  const what = nameOf(options);
  let failures = 0;
  const working = new Map<number, { leave: AbortController; ended: Promise<void> }>();
  let member: Member | undefined;
  const unwatch = wakeups.watch();
  try {
    const joined = await untilDone(context, what, life.leaving, async () => {
      const topic = context.log.topic(options.topic);
      groups.register(options.group, topic);
      return { id: newMemberId(), group: options.group, topic };
    });
    if (joined === null) return;
    member = joined;
    const peers = peersKey(member);
    wakeups.wake(peers);
    while (!life.leaving.aborted) {
      shareWork(member);
      await wakeups.wait(peers, life.leaving, leaseMs / looksPerLease);
    }
  } catch (error) {
    life.fail(error);
  } finally {
    for (const { leave } of working.values()) leave.abort();
    await Promise.all([...working.values()].map(({ ended }) => ended));
    unwatch();
    if (member !== undefined) goodbye(member);
  }

  function goodbye(self: Member): void {
    quietly(() => groups.leave(self));
    wakeups.wake(peersKey(self));
  }

  function shareWork(self: Member): void {
    const now = clock.now();
    let share: ReturnType<typeof groups.takeShare>;
    try {
      share = groups.takeShare(self, { now, until: now + leaseMs, busy: new Set(working.keys()) });
      failures = 0;
    } catch (error) {
      const { retryable, message } = toLlambertError(error);
      if (!retryable) throw error;
      failures += 1;
      context.onRetry({ what, reason: message, failures, waitMs: leaseMs / looksPerLease });
      return;
    }
    const toWorkOn = new Set(share.held.filter((partition) => !share.surplus.includes(partition)).map((partition) => partition.id));
    for (const [id, { leave }] of working) if (!toWorkOn.has(id)) leave.abort();
    for (const partition of share.held) if (toWorkOn.has(partition.id) && !working.has(partition.id)) startWork(self, partition);
    // Surplus whose work has ended, or never began, goes at once.
    for (const partition of share.surplus) if (!working.has(partition.id)) quietly(() => groups.release(self, partition));
  }

  function startWork(self: Member, partition: Partition): void {
    const leave = new AbortController();
    const signals = { leave: AbortSignal.any([leave.signal, life.leaving]), handlers: life.handlers };
    const ended = workOn(context, options, self, partition, signals)
      .catch(life.fail)
      .finally(() => {
        quietly(() => groups.release(self, partition));
        working.delete(partition.id);
        wakeups.wake(peersKey(self));
      });
    working.set(partition.id, { leave, ended });
  }
}

/** From batch to batch: handle, commit. The order of a partition's records is this loop's order. */
async function workOn(
  context: LogContext,
  options: ConsumeOptions,
  member: Member,
  partition: Partition,
  signals: { leave: AbortSignal; handlers: AbortSignal },
): Promise<void> {
  const { log, groups, wakeups } = context;
  const { leave, handlers } = signals;
  const what = nameOf(options);
  let position = 0;
  let queue = batchQueue(log, partition, position, options.maxBatch);
  let resumed = false;
  while (!leave.aborted) {
    const batch = await untilDone(context, what, leave, nextBatch);
    if (batch === null) return;
    if (batch.length === 0) continue;
    const outputs = await untilDone(context, what, leave, () => handle(batch));
    if (outputs === null) return;
    const next = batch.at(-1)!.offset + 1;
    const committed = await untilDone(context, what, leave, async () => commit(next, outputs));
    if (committed === null) return;
    if (committed) position = next;
    else {
      // Another member took over and was faster. Where the partition is still ours, its offset says where to go on.
      wakeups.wake(peersKey(member));
      resumed = false;
    }
    // A handler that never waits would keep timers and sockets from being served.
    await nextTurn();
  }

  /** Waits for records where there are none; may then come back without any. */
  async function nextBatch(): Promise<readonly ConsumedRecord[]> {
    if (!resumed) {
      position = groups.committedOffset(member.group, partition);
      queue = batchQueue(log, partition, position, options.maxBatch);
      resumed = true;
    }
    const batch = queue.take();
    // Nothing may come between looking and waiting: an append in between would wake nobody.
    if (batch.length === 0) await wakeups.wait(topicKey(member.topic), leave);
    return batch;
  }

  async function handle(batch: readonly ConsumedRecord[]): Promise<readonly RecordToAppend[]> {
    const pending = options.handle(batch, handlers);
    const settled = pending.catch(() => undefined);
    try {
      // The next batch is decoded while the handler's workers are busy.
      queue.prefetch();
    } finally {
      await settled;
    }
    return pending;
  }

  function commit(next: number, outputs: readonly RecordToAppend[]): boolean {
    const encoded = log.encode(outputs);
    const moved = groups.commit(member.group, member.topic, partition, { from: position, to: next }, encoded);
    if (moved) for (const topic of encoded.topics) wakeups.wake(topicKey(topic));
    return moved;
  }
}

function nameOf({ group, topic }: ConsumeOptions): string {
  return `${group} reading ${topic}`;
}

/** For goodbyes: where they fail, the lease runs out by itself. */
function quietly(goodbye: () => void): void {
  try {
    goodbye();
  } catch {
    // The error that matters is reported by whoever met it first.
  }
}

function peersKey({ group, topic }: Member): string {
  return `group ${topic.id} ${group}`;
}
