import { consumerGroup, deadLetterRecord, decodeEvent, topicName } from '@llambert/contracts';
import { type Consumer, type EventLog, type EventName, type EventTypes, type RecordToAppend, toLlambertError } from '@llambert/domain';

/** Records handed to a handler at once: control events are few, so this only bounds a catch-up. */
const recordsPerBatch = 500;

/**
 * Consumes one kind of event for a service, each replica its share. `handle` records them (idempotently: it may see them again) and
 * returns nothing. What cannot be decoded goes to the service's dead letters in the transaction that commits the batch.
 */
export function consumeEvents<Name extends EventName>(options: {
  prefix: string;
  service: string;
  eventLog: EventLog;
  name: Name;
  handle: (bodies: readonly EventTypes[Name][]) => Promise<void>;
}): Consumer {
  const { prefix, service, eventLog, name } = options;
  return eventLog.consume({
    group: consumerGroup(prefix, service),
    topic: topicName(prefix, name),
    maxBatch: recordsPerBatch,
    handle: async (batch) => {
      const bodies: EventTypes[Name][] = [];
      const refused: RecordToAppend[] = [];
      for (const record of batch) {
        try {
          bodies.push(decodeEvent(name, record));
        } catch (error) {
          refused.push(deadLetterRecord(prefix, service, record, 'undecodable', toLlambertError(error).message));
        }
      }
      if (bodies.length > 0) await options.handle(bodies);
      return refused;
    },
  });
}

/**
 * Follows one of the compacted kinds of event: `onEvent` sees at least the last of each key, then whatever is said from now on. An
 * error of `onEvent` that will not pass ends it, and so does an event that cannot be decoded: what was said before no longer holds.
 */
export function followEvents<Name extends EventName>(options: {
  prefix: string;
  eventLog: EventLog;
  name: Name;
  onEvent: (body: EventTypes[Name]) => Promise<void>;
}): Consumer & { readonly caughtUp: Promise<void> } {
  return options.eventLog.follow(topicName(options.prefix, options.name), async (record) => {
    await options.onEvent(decodeEvent(options.name, record));
  });
}
