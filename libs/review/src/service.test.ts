import { openDatabase, sqliteEventLog, sqliteState } from '@llambert/adapters/sqlite';
import { encodeEvent, topicDefinitions, topicName } from '@llambert/contracts';
import type { Event, EventLog, RoundsEnd } from '@llambert/domain';
import { type Service, systemClock } from '@llambert/platform';
import { anEvaluation, aTask } from '@llambert/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { aModel, anEvaluationOf } from './model-builder.fixture.ts';
import { gatewayService, promote } from './service.ts';

const prefix = 'test';
const task = aTask();
const evaluation = (round: number, model: string | null = `model-${round}`) => anEvaluation({ task: task.name, round, model });
const closed = (rounds: number, end: RoundsEnd = 'plateau') => ({ task: task.name, rounds, end });
const deployed = [
  {
    id: 'deployment.changed:reviews:model-2',
    name: 'deployment.changed',
    key: 'reviews',
    body: { task: 'reviews', model: 'model-2' },
  },
  {
    id: 'pass.opened:reviews:live',
    name: 'pass.opened',
    key: 'reviews/live',
    body: { task: 'reviews', pass: 'live', kind: 'live', source: 'documents', predictions: 'predictions' },
  },
];

describe('the gateway', () => {
  let state: Awaited<ReturnType<typeof sqliteState>>;
  beforeEach(async () => {
    state = await sqliteState(':memory:');
  });
  afterEach(() => state.close());
  const said = () => state.outbox.pendingEvents(100);

  describe('promote', () => {
    it('deploys the model and then opens the live pass over the source, when the rounds are closed, once', async () => {
      for (const round of [1, 2]) {
        await state.gateway.recordModel(aModel(round));
        await state.gateway.recordEvaluation(evaluation(round));
      }
      await promote(state.gateway, task);
      expect(await said()).toEqual([]);

      await state.gateway.recordRoundsClosed(closed(2));
      await Promise.all([promote(state.gateway, task), promote(state.gateway, task)]);
      await promote(state.gateway, task);
      expect(await said()).toEqual(deployed);
      expect(await state.gateway.deployment(task.name)).toEqual({ model: 'model-2', pass: 'live' });
    });

    it.each([
      ['the evaluation of an older round', ['closed', 'model 2', 'evaluation 2', 'model 1', 'evaluation 1']],
      ['an older model', ['evaluation 1', 'model 2', 'evaluation 2', 'closed', 'model 1']],
      ['the newest model', ['closed', 'evaluation 2', 'model 1', 'evaluation 1', 'model 2']],
      ['the end of the rounds', ['model 1', 'evaluation 1', 'evaluation 2', 'model 2', 'closed']],
    ])('waits for %s', async (_, steps) => {
      for (const [index, step] of steps.entries()) {
        expect(await said(), `before ${step}, step ${index}`).toEqual([]);
        const [what, round] = step.split(' ');
        if (what === 'closed') await state.gateway.recordRoundsClosed(closed(2));
        if (what === 'model') await state.gateway.recordModel(aModel(Number(round)));
        if (what === 'evaluation') await state.gateway.recordEvaluation(evaluation(Number(round)));
        await promote(state.gateway, task);
      }
      expect(await said()).toEqual(deployed);
    });

    it('does not wait for models that rounds did not have', async () => {
      await state.gateway.recordEvaluation(evaluation(1, null));
      await state.gateway.recordEvaluation(evaluation(2));
      await state.gateway.recordModel(aModel(2));
      await state.gateway.recordRoundsClosed(closed(2));
      await promote(state.gateway, task);
      expect(await said()).toEqual(deployed);
    });

    it('deploys nothing where no round had a model', async () => {
      await state.gateway.recordEvaluation(evaluation(1, null));
      await state.gateway.recordRoundsClosed(closed(1, 'source_exhausted'));
      await promote(state.gateway, task);
      expect(await said()).toEqual([]);
      expect(await state.gateway.deployment(task.name)).toBeNull();
    });

    it('keeps the deployment whatever is heard of later', async () => {
      await state.gateway.recordEvaluation(evaluation(1));
      await state.gateway.recordModel(aModel(1));
      await state.gateway.recordRoundsClosed(closed(1));
      await promote(state.gateway, task);
      await state.gateway.recordModel(aModel(2));
      await promote(state.gateway, task);
      expect(await state.gateway.deployment(task.name)).toMatchObject({ model: 'model-1' });
      expect(await said()).toHaveLength(2);
    });
  });

  describe('gatewayService', () => {
    let database: ReturnType<typeof openDatabase>;
    let eventLog: EventLog;
    let running: Service[];
    beforeEach(async () => {
      database = openDatabase(':memory:');
      eventLog = sqliteEventLog(database, { clock: systemClock, pollMs: { min: 5, max: 20 } });
      await eventLog.createTopics(topicDefinitions(prefix, 1));
      running = [];
    });
    afterEach(async () => {
      await Promise.all(running.map((service) => service.stop()));
      for (const service of running) await service.done;
      database.close();
    });

    function start(): Service {
      const service = gatewayService({ prefix, eventLog, store: state.gateway, clock: systemClock, tickMs: 5 });
      running.push(service);
      return service;
    }
    const say = (...events: Event[]) =>
      eventLog.append(events.map((event) => ({ topic: topicName(prefix, event.name), record: encodeEvent(event) })));
    const published: Event = { id: 'published', name: 'task.published', key: task.name, body: task };
    const roundEvents = (round: number): Event[] => [
      { id: `released-${round}`, name: 'model.released', key: `model-${round}`, body: aModel(round, anEvaluationOf('teacher', 0.9)) },
      { id: `evaluated-${round}`, name: 'round.evaluated', key: task.name, body: evaluation(round) },
    ];

    it('hears of models and rounds and deploys once, through restarts and repeated events', async () => {
      await say(published, ...roundEvents(1));
      const first = start();
      await vi.waitFor(async () => expect(await state.gateway.models(task.name)).toHaveLength(1));
      await first.stop();

      const end: Event = { id: 'closed', name: 'round.closed', key: task.name, body: closed(2) };
      await say(...roundEvents(1), ...roundEvents(2), end, end);
      const second = start();
      await vi.waitFor(async () => expect(await state.gateway.deployment(task.name)).not.toBeNull(), { timeout: 10_000 });
      await second.stop();

      await say(published, ...roundEvents(2), end);
      const third = start();
      await vi.waitFor(async () => {
        const offsets = await eventLog.committedOffsets(`${prefix}.gateway`, topicName(prefix, 'round.closed'));
        expect(offsets).toEqual([3]);
      });
      await third.stop();
      expect(await said()).toEqual(deployed);
    });
  });
});
