import { encodeEvent, topicName } from '@llambert/contracts';
import type { Clock, EventLog, OnRetry, Outbox } from '@llambert/domain';
import type { Service } from './service.ts';
import { ticker } from './ticker.ts';

/** How many events leave in one append: one that holds a document can have a MiB. */
const eventsPerAppend = 100;

/**
 * Carries events from the outbox to the event log, oldest first, at least once: a crash between the append and the mark sends them
 * again, under the same ids. One relay an outbox: two would mix their repetitions into each other's order.
 */
export function outboxRelay(options: {
  outbox: Outbox;
  eventLog: EventLog;
  prefix: string;
  clock: Clock;
  intervalMs: number;
  onRetry?: OnRetry | undefined;
}): Service {
  return ticker({
    ...options,
    name: 'sending events',
    async work(signal) {
      while (!signal.aborted) {
        const events = await options.outbox.pendingEvents(eventsPerAppend);
        if (events.length === 0) return;
        await options.eventLog.append(
          events.map((event) => ({ topic: topicName(options.prefix, event.name), record: encodeEvent(event) })),
        );
        await options.outbox.markSent(events.map((event) => event.id));
      }
    },
  });
}
