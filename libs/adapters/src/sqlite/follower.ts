import { setImmediate as nextTurn } from 'node:timers/promises';
import { type ConsumedRecord, type Consumer, LlambertError, toLlambertError } from '@llambert/domain';
import { type LogContext, topicKey } from './log-context.ts';
import { untilDone } from './retry.ts';

const readLimits = { maxRecords: 1000, maxBytes: 1 << 20 };

/** Reads all partitions of a topic from their beginning, for ever; nothing is remembered. */
export function startFollower(
  context: LogContext,
  topicName: string,
  onRecord: (record: ConsumedRecord) => Promise<void>,
): Consumer & { readonly caughtUp: Promise<void> } {
  const leaving = new AbortController();
  const what = `following ${topicName}`;
  const { promise: caughtUp, resolve: sayCaughtUp, reject: sayNever } = Promise.withResolvers<void>();
  caughtUp.catch(() => undefined);

  const done = follow().then(
    () => sayNever(new LlambertError('cancelled', `following ${topicName} ended before everything there was read`)),
    (error: unknown) => {
      const known = toLlambertError(error);
      sayNever(known);
      throw known;
    },
  );
  done.catch(() => undefined);

  async function follow(): Promise<void> {
    const { log, wakeups } = context;
    const unwatch = wakeups.watch();
    try {
      const begun = await untilDone(context, what, leaving.signal, begin);
      if (begun === null) return;
      const { topic, cursors } = begun;
      while (!leaving.signal.aborted) {
        for (const cursor of cursors) {
          const read = await untilDone(context, what, leaving.signal, async () => log.read(cursor.partition, cursor.next, readLimits));
          for (const record of read?.records ?? []) {
            if (leaving.signal.aborted) return;
            await untilDone(context, what, leaving.signal, () => onRecord(record));
          }
          if (read !== null) cursor.next = read.next;
        }
        if (cursors.every(({ next, target }) => next >= target)) sayCaughtUp();
        // A reader that never waits would keep timers and sockets from being served.
        await nextTurn();
        await untilDone(context, what, leaving.signal, async () => {
          // Nothing may come between looking and waiting: an append in between would wake nobody.
          if (cursors.every(({ partition, next }) => next >= log.endOffset(partition))) await wakeups.wait(topicKey(topic), leaving.signal);
        });
      }
    } finally {
      unwatch();
    }
  }

  async function begin() {
    const topic = context.log.topic(topicName);
    if (topic.retention !== 'compact') {
      throw new LlambertError('invalid_input', `the topic ${topicName} is not compacted: it can be consumed, not followed`);
    }
    return { topic, cursors: topic.partitions.map((partition) => ({ partition, next: 0, target: context.log.endOffset(partition) })) };
  }

  return {
    caughtUp,
    done,
    async stop() {
      leaving.abort();
      await done.catch(() => undefined);
    },
  };
}
