import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { folderArtifactStore } from '@llambert/adapters/folder';
import { openDatabase, sqliteEventLog, sqliteState } from '@llambert/adapters/sqlite';
import { encodeDocument, encodeEvent, topicDefinitions, topicName } from '@llambert/contracts';
import type { Answer, Document, Event, EventLog, RoundEvaluation, Sample } from '@llambert/domain';
import { type Service, systemClock } from '@llambert/platform';
import { aDocument, aDrawnSample, anAnnotation, aRejection, aRound, aTask } from '@llambert/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { trainerService } from './service.ts';
import type { TrainStudent } from './train-student.ts';

const prefix = 'test';
const task = aTask();

describe('the trainer', () => {
  let folder: string;
  let database: ReturnType<typeof openDatabase>;
  let eventLog: EventLog;
  let state: Awaited<ReturnType<typeof sqliteState>>;
  let running: Service[];
  let trainings: number;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'llambert-trainer-'));
    database = openDatabase(':memory:');
    eventLog = sqliteEventLog(database, { clock: systemClock, pollMs: { min: 5, max: 20 } });
    await eventLog.createTopics(topicDefinitions(prefix, 1));
    state = await sqliteState(':memory:');
    running = [];
    trainings = 0;
    await say({ id: 'task', name: 'task.published', key: task.name, body: task });
  });
  afterEach(async () => {
    await Promise.all(running.map((service) => service.stop()));
    database.close();
    await state.close();
    rmSync(folder, { recursive: true });
  });

  const say = (...events: Event[]) =>
    eventLog.append(events.map((event) => ({ topic: topicName(prefix, event.name), record: encodeEvent(event) })));

  const student: TrainStudent = async ({ rows, score, folder: artifact }) => {
    trainings += 1;
    writeFileSync(join(artifact, 'weights'), String(rows.length));
    return {
      student: 'linear',
      baseModel: null,
      heldOut: {
        rows: rows.map((_, row) => row),
        logits: Float32Array.from(rows.flatMap((row) => row.target)),
        on: 'out-of-fold',
        learnedAfter: true,
      },
      scoredLogits: new Float32Array(score.length * 2),
      training: {},
    };
  };

  function start(train = student): Service {
    const service = trainerService({
      prefix,
      eventLog,
      store: state.trainer,
      jobs: state.jobs,
      artifacts: folderArtifactStore(join(folder, 'artifacts')),
      train,
      clock: systemClock,
      owner: 'test',
      tickMs: 5,
    });
    running.push(service);
    return service;
  }

  function samples(count: number, round = 1): Sample[] {
    return Array.from({ length: count }, (_, index) =>
      aDrawnSample({ task: task.name, round, document: aDocument({ id: `r${round}-${index}`, text: `text ${index}` }) }),
    );
  }
  const opened = (round: number, count: number, changes = {}): Event => ({
    id: `round.opened:${round}`,
    name: 'round.opened',
    key: task.name,
    body: aRound({ task: task.name, round, samples: count, deadline: Date.now() + 60_000, ...changes }),
  });
  const drawn = (sample: Sample): Event => ({ id: `drawn:${sample.id}`, name: 'sample.drawn', key: sample.id, body: sample });
  const answer = (sample: Sample, index: number): Event => {
    const names = { sampleId: sample.id, documentId: sample.document.id, task: task.name, round: sample.round };
    const body: Answer =
      index % 10 === 9 ? aRejection(names) : anAnnotation({ ...names, labels: [index % 2 === 0 ? 'positive' : 'negative'] });
    return { id: `answered:${sample.id}`, name: 'sample.answered', key: task.name, body };
  };
  const said = async () => (await state.outbox.pendingEvents(100)).map((event) => event.name);
  const evaluation = async () =>
    (await state.outbox.pendingEvents(100)).find((event) => event.name === 'round.evaluated')?.body as RoundEvaluation;

  it('trains once when every sample of a round is answered, whatever order the events come in and however often', async () => {
    const round = samples(40);
    await say(...round.map(answer).slice(0, 39));
    await say(...round.map(drawn), opened(1, 40));
    start();
    await vi.waitFor(async () => expect((await state.trainer.round(task.name, 1))?.answers).toBe(39));
    expect(await said()).toEqual([]);
    await say(...round.map(answer), ...round.map(drawn), opened(1, 40));
    await vi.waitFor(async () => expect(await said()).toEqual(['model.released', 'round.evaluated']), { timeout: 5000 });
    expect(await evaluation()).toMatchObject({ round: 1, annotations: 36, rejections: 4 });
    expect(trainings).toBe(1);
  });

  it('draws the documents for pseudo-labels from the source, and none that is labelled', async () => {
    const round = samples(12);
    const { student: settings } = task.settings;
    const wishing = { ...task, settings: { ...task.settings, student: { ...settings, pseudoLabels: { documents: 5, confidence: 0.8 } } } };
    await eventLog.createTopics([{ name: task.topics.source, partitions: 1, retention: 'keep' }]);
    const source = [...round.map(({ document }) => document), ...['x', 'y', 'z'].map((id) => aDocument({ id }))];
    await eventLog.append(source.map((document) => ({ topic: task.topics.source, record: encodeDocument(document) })));
    await say({ id: 'task again', name: 'task.published', key: task.name, body: wishing });
    await say(opened(1, 12), ...round.map(drawn), ...round.map(answer));
    let unlabelled: readonly { text: string }[] = [];
    start((request, signal) => {
      unlabelled = request.unlabelled;
      return student(request, signal);
    });
    await vi.waitFor(async () => expect(await said()).toEqual(['model.released', 'round.evaluated']), { timeout: 5000 });
    // The one whose answer was a rejection has no label either.
    expect(unlabelled.map((document) => (document as Document).id)).toEqual(['r1-9', 'x', 'y', 'z']);
  });

  it('at the deadline starts with a quorum, and never without', async () => {
    const round = samples(40);
    await say(opened(1, 40, { deadline: 0, quorum: 0.8 }), ...round.map(drawn), ...round.map(answer).slice(0, 31));
    start();
    await vi.waitFor(async () => expect((await state.trainer.round(task.name, 1))?.answers).toBe(31));
    expect(await said()).toEqual([]);
    await say(answer(round[31]!, 31));
    await vi.waitFor(async () => expect(await said()).toEqual(['model.released', 'round.evaluated']), { timeout: 5000 });
  });

  it('says what is missing where nothing could be learned', async () => {
    const round = samples(3);
    await say(opened(1, 3), ...round.map(drawn), ...round.map(answer));
    start();
    await vi.waitFor(async () => expect(await said()).toEqual(['round.evaluated']), { timeout: 5000 });
    expect(await evaluation()).toMatchObject({ model: null, reason: expect.stringContaining('at least 10') });
  });

  it('stopped in the middle of a training, goes on with it at the next start', async () => {
    const round = samples(40);
    await say(opened(1, 40), ...round.map(drawn), ...round.map(answer));
    let begun = false;
    const slow: TrainStudent = (_, signal) => {
      begun = true;
      return new Promise((__, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    };
    const first = start(slow);
    await vi.waitFor(() => expect(begun).toBe(true), { timeout: 5000 });
    await first.stop();
    expect(await said()).toEqual([]);
    start();
    await vi.waitFor(async () => expect(await said()).toEqual(['model.released', 'round.evaluated']), { timeout: 5000 });
  });
});
