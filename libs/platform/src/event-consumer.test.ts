import { openDatabase, sqliteEventLog } from '@llambert/adapters/sqlite';
import { consumerGroup, deadLetterTopic, decodeDeadLetter, encodeEvent, topicDefinitions, topicName } from '@llambert/contracts';
import { type Consumer, type EventLog, LlambertError, type LogRecord, type RoundEvaluation } from '@llambert/domain';
import { anEvaluation, aTask } from '@llambert/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from './clock.ts';
import { consumeEvents, followEvents } from './event-consumer.ts';

const prefix = 'test';
const service = 'trainer';
const evaluated = topicName(prefix, 'round.evaluated');
const published = topicName(prefix, 'task.published');
const deadLetters = deadLetterTopic(prefix, service);

const evaluationRecord = (round: number): LogRecord =>
  encodeEvent({ id: `round-${round}`, name: 'round.evaluated', key: 'task', body: anEvaluation({ round }) });
const taskRecord = (name: string, description: string): LogRecord => {
  const task = aTask();
  const body = { ...task, name, spec: { ...task.spec, description } };
  return encodeEvent({ id: `${name} ${description}`, name: 'task.published', key: name, body });
};
const garbage = (key: string): LogRecord => ({ key, value: Uint8Array.of(0xff, 0xff, 0xff), headers: {} });

describe('events', () => {
  let database: ReturnType<typeof openDatabase>;
  let eventLog: EventLog;
  let consumers: Consumer[];
  beforeEach(async () => {
    database = openDatabase(':memory:');
    eventLog = sqliteEventLog(database, { clock: systemClock, pollMs: { min: 5, max: 20 } });
    await eventLog.createTopics(topicDefinitions(prefix, 1));
    consumers = [];
  });
  afterEach(async () => {
    await Promise.all(consumers.map((consumer) => consumer.stop()));
    database.close();
  });

  const append = (topic: string, ...records: LogRecord[]) => eventLog.append(records.map((record) => ({ topic, record })));
  const letters = async () => (await Array.fromAsync(eventLog.read(deadLetters, 0, 0))).flat().map(decodeDeadLetter);
  const committed = async () => (await eventLog.committedOffsets(consumerGroup(prefix, service), evaluated))[0];

  function consume(handle: (bodies: readonly RoundEvaluation[]) => Promise<void>): Consumer {
    const consumer = consumeEvents({ prefix, service, eventLog, name: 'round.evaluated', handle });
    consumers.push(consumer);
    return consumer;
  }

  describe('consumeEvents', () => {
    it('hands on the events in their order and puts what cannot be decoded among the dead letters', async () => {
      const rounds: number[] = [];
      await append(evaluated, evaluationRecord(1), garbage('bad'), evaluationRecord(2), taskRecord('wrong-kind', ''), evaluationRecord(3));
      consume(async (bodies) => {
        rounds.push(...bodies.map(({ round }) => round));
      });
      await vi.waitFor(async () => expect(await committed()).toBe(5));
      expect(rounds).toEqual([1, 2, 3]);
      expect(await letters()).toMatchObject([
        { service, reason: 'undecodable', position: `${evaluated}, partition 0, offset 1`, record: garbage('bad').value },
        { service, reason: 'undecodable', position: `${evaluated}, partition 0, offset 3` },
      ]);
    });

    it('does not ask for a batch in which nothing could be decoded', async () => {
      await append(evaluated, garbage('bad'));
      consume(() => expect.fail('called with nothing'));
      await vi.waitFor(async () => expect(await committed()).toBe(1));
      expect(await letters()).toHaveLength(1);
    });

    it('hands a batch on again when it could not be recorded, with its dead letters said once', async () => {
      const seen: number[][] = [];
      await append(evaluated, evaluationRecord(1), garbage('bad'), evaluationRecord(2));
      consume(async (bodies) => {
        seen.push(bodies.map(({ round }) => round));
        if (seen.length === 1) throw new LlambertError('store_unavailable', 'away');
      });
      await vi.waitFor(async () => expect(await committed()).toBe(3));
      expect(seen).toEqual([
        [1, 2],
        [1, 2],
      ]);
      expect(await letters()).toHaveLength(1);
    });

    it('ends with an error that will not pass, and moves past nothing', async () => {
      await append(evaluated, evaluationRecord(1), garbage('bad'));
      const consumer = consume(async () => {
        throw new LlambertError('internal', 'a fault of ours');
      });
      await expect(consumer.done).rejects.toMatchObject({ code: 'internal' });
      expect(await committed()).toBe(0);
      expect(await letters()).toEqual([]);
    });
  });

  describe('followEvents', () => {
    function follow(onEvent: (description: string) => void) {
      const follower = followEvents({
        prefix,
        eventLog,
        name: 'task.published',
        onEvent: async (task) => onEvent(`${task.name}: ${task.spec.description}`),
      });
      consumers.push(follower);
      return follower;
    }

    it('tells what there is, then what is said from then on', async () => {
      const heard: string[] = [];
      await append(published, taskRecord('a', 'first'), taskRecord('b', 'first'), taskRecord('a', 'second'));
      const follower = follow((task) => heard.push(task));
      await follower.caughtUp;
      expect(new Map(heard.map((task) => [task.slice(0, 1), task]))).toEqual(
        new Map([
          ['a', 'a: second'],
          ['b', 'b: first'],
        ]),
      );
      await append(published, taskRecord('b', 'second'));
      await vi.waitFor(() => expect(heard.at(-1)).toBe('b: second'));
    });

    it('ends at what it cannot decode: going on with what was said before would be wrong in silence', async () => {
      const heard: string[] = [];
      await append(published, taskRecord('a', 'first'), garbage('b'));
      await expect(follow((task) => heard.push(task)).done).rejects.toMatchObject({ code: 'invalid_input' });
      expect(heard).toEqual(['a: first']);
    });
  });
});
