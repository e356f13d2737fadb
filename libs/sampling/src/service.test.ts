import { openDatabase, sqliteEventLog, sqliteState } from '@llambert/adapters/sqlite';
import { encodeDocument, encodeEvent, taskTopicDefinitions, topicDefinitions, topicName } from '@llambert/contracts';
import type { EventLog, LogRecord, Task } from '@llambert/domain';
import { type Service, systemClock } from '@llambert/platform';
import { aDocument, anEvaluation, aTask } from '@llambert/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { poolRank } from './pool.ts';
import { samplerService } from './service.ts';

const prefix = 'test';

function taskNamed(name: string, poolSize = 1000): Task {
  const task = aTask({ budget: { annotations: 20 } });
  const sampling = { ...task.settings.sampling, rounds: 2, poolSize };
  return { ...task, name, settings: { ...task.settings, sampling }, topics: { source: `${name}-in`, predictions: `${name}-out` } };
}

describe('samplerService', () => {
  let database: ReturnType<typeof openDatabase>;
  let eventLog: EventLog;
  let state: Awaited<ReturnType<typeof sqliteState>>;
  let running: Service[];
  beforeEach(async () => {
    database = openDatabase(':memory:');
    eventLog = sqliteEventLog(database, { clock: systemClock, pollMs: { min: 5, max: 20 } });
    await eventLog.createTopics(topicDefinitions(prefix, 1));
    state = await sqliteState(':memory:');
    running = [];
  });
  afterEach(async () => {
    await Promise.all(running.map((service) => service.stop()));
    for (const service of running) await service.done;
    database.close();
    await state.close();
  });

  function start(): Service {
    const service = samplerService({ prefix, eventLog, store: state.sampler, clock: systemClock, tickMs: 5 });
    running.push(service);
    return service;
  }
  const append = (topic: string, ...records: LogRecord[]) => eventLog.append(records.map((record) => ({ topic, record })));
  const documentIds = (count: number, from = 0) => Array.from({ length: count }, (_, index) => `d${from + index}`);
  const send = (task: Task, ids: readonly string[]) => append(task.topics.source, ...ids.map((id) => encodeDocument(aDocument({ id }))));
  async function publish(task: Task): Promise<void> {
    const event = { id: task.name, name: 'task.published', key: task.name, body: task } as const;
    await append(topicName(prefix, 'task.published'), encodeEvent(event));
  }
  async function evaluate(task: Task, round: number, id = `${task.name}:${round}`): Promise<void> {
    const body = anEvaluation({ task: task.name, round, annotations: 10 * round });
    await append(topicName(prefix, 'round.evaluated'), encodeEvent({ id, name: 'round.evaluated', key: task.name, body }));
  }
  const untilRounds = (task: Task, expected: object) =>
    vi.waitFor(async () => expect(await state.sampler.roundsState(task.name)).toMatchObject(expected), { timeout: 10_000 });
  const eventIds = async () => (await state.outbox.pendingEvents(1000)).map((event) => event.id);

  async function sourceOf(task: Task, ids: readonly string[]): Promise<void> {
    await eventLog.createTopics(taskTopicDefinitions(task.topics, 1));
    await send(task, ids);
  }

  it('goes from a source and its task to closed rounds, each sample said once, through restarts and repeated events', async () => {
    const task = taskNamed('mails');
    await sourceOf(task, documentIds(50));
    await publish(task);
    const first = start();
    await untilRounds(task, { phase: 'open', round: 1 });
    await first.stop();

    await evaluate(task, 1);
    await publish(task);
    const second = start();
    await untilRounds(task, { phase: 'open', round: 2 });
    await second.stop();

    await evaluate(task, 1, 'repeated');
    await evaluate(task, 2);
    start();
    await untilRounds(task, { phase: 'closed', end: 'annotations_used' });
    const ids = await eventIds();
    expect(ids.filter((id) => id.startsWith('sample.drawn:'))).toHaveLength(20);
    expect(ids.filter((id) => id.startsWith('round.'))).toEqual(['round.opened:mails:1', 'round.opened:mails:2', 'round.closed:mails']);
    expect((await state.sampler.drawnDocumentIds('mails')).size).toBe(20);
  });

  it('keeps the smallest ranks of all documents that can be labelled, however often they come', async () => {
    const task = taskNamed('mails', 30);
    await sourceOf(task, documentIds(200));
    const unfit = [encodeDocument(aDocument({ id: 'empty', text: ' ' })), { key: 'bad', value: Uint8Array.of(0xff), headers: {} }];
    await append(task.topics.source, ...unfit);
    await send(task, documentIds(100, 150));
    await publish(task);
    start();
    await untilRounds(task, { phase: 'open' });
    const rank = (id: string) => poolRank('mails', 1, id);
    const smallest = documentIds(250).sort((left, right) => (rank(left) < rank(right) ? -1 : 1));
    expect((await state.sampler.poolRanks('mails')).map((entry) => entry.documentId)).toEqual(smallest.slice(0, 30));
  });

  it('serves one task while another waits for its evaluation', async () => {
    const [one, two] = [taskNamed('one'), taskNamed('two')];
    for (const task of [one, two]) {
      await sourceOf(task, documentIds(50));
      await publish(task);
    }
    start();
    await untilRounds(one, { phase: 'open', round: 1 });
    await untilRounds(two, { phase: 'open', round: 1 });
    await evaluate(two, 1);
    await untilRounds(two, { phase: 'open', round: 2 });
    expect(await state.sampler.roundsState('one')).toMatchObject({ phase: 'open', round: 1 });
  });
});
