import { openDatabase, sqliteEventLog } from '@llambert/adapters/sqlite';
import { topicDefinitions, topicName } from '@llambert/contracts';
import { type Event, type EventLog, LlambertError, type Outbox } from '@llambert/domain';
import { anEvaluation, anEvent } from '@llambert/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from './clock.ts';
import { handClock } from './hand-clock.fixture.ts';
import { outboxRelay } from './outbox-relay.ts';

const prefix = 'test';
const away = new LlambertError('store_unavailable', 'away');

function anOutbox(...events: Event[]): Outbox & { put(...more: Event[]): void; readonly left: readonly Event[] } {
  let left = events;
  return {
    get left() {
      return left;
    },
    put: (...more) => {
      left = [...left, ...more];
    },
    pendingEvents: async (limit) => left.slice(0, limit),
    markSent: async (ids) => {
      left = left.filter((event) => !ids.includes(event.id));
    },
  };
}

describe('outboxRelay', () => {
  const clock = handClock();
  let database: ReturnType<typeof openDatabase>;
  let eventLog: EventLog;
  beforeEach(async () => {
    database = openDatabase(':memory:');
    eventLog = sqliteEventLog(database, { clock: systemClock });
    await eventLog.createTopics(topicDefinitions(prefix, 1));
  });
  afterEach(() => database.close());

  const relay = (outbox: Outbox, log: Partial<EventLog> = {}) =>
    outboxRelay({ outbox, eventLog: { ...eventLog, ...log }, prefix, clock, intervalMs: 100 });
  /** Ids of the events of a topic, in its order. */
  async function said(name: Event['name'] = 'round.closed'): Promise<string[]> {
    const batches = await Array.fromAsync(eventLog.read(topicName(prefix, name), 0, 0));
    return batches.flat().map((record) => record.headers['event-id']!);
  }

  it('carries each event to the topic of its kind, oldest first, however many there are', async () => {
    const ids = Array.from({ length: 250 }, (_, index) => `event-${index}`);
    const evaluated: Event = { id: 'evaluated', name: 'round.evaluated', key: 'task', body: anEvaluation() };
    const outbox = anOutbox(...ids.slice(0, 120).map(anEvent), evaluated, ...ids.slice(120).map(anEvent));
    const service = relay(outbox);
    await clock.settle();
    await service.stop();
    expect(await said()).toEqual(ids);
    expect(await said('round.evaluated')).toEqual(['evaluated']);
    expect(outbox.left).toEqual([]);
  });

  it('looks again for what was put meanwhile', async () => {
    const outbox = anOutbox(anEvent('1'));
    const service = relay(outbox);
    await clock.settle();
    outbox.put(anEvent('2'));
    await clock.advance(100);
    await service.stop();
    expect(await said()).toEqual(['1', '2']);
  });

  it('says it again under the same id after a crash between the append and the mark, and loses nothing', async () => {
    const outbox = anOutbox(anEvent('1'), anEvent('2'));
    const crash = new Error('killed');
    const first = relay({ ...outbox, markSent: () => Promise.reject(crash) });
    await expect(first.done).rejects.toBe(crash);
    expect(await said()).toEqual(['1', '2']);

    outbox.put(anEvent('3'));
    const second = relay(outbox);
    await clock.settle();
    await second.stop();
    expect(await said()).toEqual(['1', '2', '1', '2', '3']);
    expect(outbox.left).toEqual([]);
  });

  it('waits for a log that is away, with nothing marked as sent', async () => {
    let failures = 0;
    const outbox = anOutbox(anEvent('1'), anEvent('2'));
    const service = relay(outbox, {
      async append(records) {
        if (failures++ < 2) throw away;
        await eventLog.append(records);
      },
    });
    await clock.settle();
    expect(outbox.left).toHaveLength(2);
    await clock.advance(500 + 1000);
    await service.stop();
    expect(await said()).toEqual(['1', '2']);
    expect(outbox.left).toEqual([]);
  });
});
