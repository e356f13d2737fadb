import { openDatabase, sqliteEventLog, sqliteState } from '@llambert/adapters/sqlite';
import { encodeDocument, taskTopicDefinitions } from '@llambert/contracts';
import {
  type Clock,
  type Evaluation,
  type Event,
  type EventLog,
  type LikelyWrong,
  type RoundEvaluation,
  type Sample,
  type SamplingSettings,
  secondSampleId,
  type Task,
} from '@llambert/domain';
import { aDocument, anEvaluation, aTask } from '@llambert/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { poolCandidates } from './pool.ts';
import { advanceRounds } from './rounds.ts';

const clock: Clock = { now: () => 1_000_000, sleep: async () => undefined };
const deadlineSeconds = 60;

function theTask(annotations: number, sampling: Partial<SamplingSettings> = {}): Task {
  const task = aTask({ budget: { annotations } });
  return { ...task, settings: { ...task.settings, sampling: { ...task.settings.sampling, rounds: 3, deadlineSeconds, ...sampling } } };
}

const agreementOf = (accuracy: number): Evaluation => ({
  reference: 'teacher',
  on: 'out-of-fold',
  documents: 100,
  accuracy,
  accuracyInterval: { lower: accuracy - 0.02, upper: accuracy + 0.02 },
  macroF1: accuracy,
  expectedCalibrationError: 0,
  brierScore: 0,
});

describe('advanceRounds', () => {
  let database: ReturnType<typeof openDatabase>;
  let eventLog: EventLog;
  let state: Awaited<ReturnType<typeof sqliteState>>;
  beforeEach(async () => {
    database = openDatabase(':memory:');
    eventLog = sqliteEventLog(database, { clock });
    await eventLog.createTopics(taskTopicDefinitions(aTask().topics, 1));
    state = await sqliteState(':memory:');
  });
  afterEach(async () => {
    database.close();
    await state.close();
  });

  const ports = () => ({ prefix: 'test', eventLog, store: state.sampler, clock });
  const advance = (task: Task) => advanceRounds(ports(), task);
  /** What was said since the last call. */
  async function said(): Promise<Event[]> {
    const events = await state.outbox.pendingEvents(10_000);
    await state.outbox.markSent(events.map((event) => event.id));
    return [...events];
  }
  const documents = (count: number) => Array.from({ length: count }, (_, index) => aDocument({ id: `d${index}`, text: `text ${index}` }));
  const pool = ({ name, settings: { sampling } }: Task, count: number) =>
    state.sampler.offer(name, poolCandidates(name, sampling.seed, documents(count), null), sampling.poolSize);
  /** A task whose backlog is in its pool. */
  async function begin(task: Task, count: number): Promise<void> {
    await pool(task, count);
    await state.sampler.recordBacklog(task.name, [1]);
    eventLog = { ...eventLog, committedOffsets: async () => [1] };
  }
  const evaluate = (round: number, annotations: number, changes: Partial<RoundEvaluation> = {}) =>
    state.sampler.recordEvaluation(anEvaluation({ task: aTask().name, round, annotations, ...changes }));

  it('waits for the backlog to be read', async () => {
    const task = theTask(40);
    await pool(task, 100);
    await advance(task);
    await eventLog.append(documents(2).map((document) => ({ topic: task.topics.source, record: encodeDocument(document) })));
    await state.sampler.recordBacklog(task.name, await eventLog.endOffsets(task.topics.source));
    await advance(task);
    expect(await state.sampler.roundsState(task.name)).toEqual({ phase: 'collecting' });

    eventLog = { ...eventLog, committedOffsets: async () => [2] };
    await advance(task);
    expect(await state.sampler.roundsState(task.name)).toEqual({ phase: 'open', round: 1, drawn: 10 });
  });

  it('waits at a source that began empty until there is enough to annotate, rather than close at once', async () => {
    const task = theTask(40);
    await state.sampler.recordBacklog(task.name, [0]);
    await advance(task);
    await pool(task, 39);
    await advance(task);
    expect(await state.sampler.roundsState(task.name)).toEqual({ phase: 'collecting' });
    await pool(task, 40);
    await advance(task);
    expect(await state.sampler.roundsState(task.name)).toMatchObject({ phase: 'open', round: 1 });
  });

  it('says that a round is open before it says its samples, with the number of them and the deadline', async () => {
    const task = theTask(40);
    await begin(task, 100);
    await advance(task);
    const [opened, ...drawn] = await said();
    expect(opened).toMatchObject({
      id: 'round.opened:reviews:1',
      name: 'round.opened',
      body: { task: 'reviews', round: 1, samples: 10, deadline: 1_000_000 + deadlineSeconds * 1000, quorum: 0.9 },
    });
    expect(drawn).toHaveLength(10);
    for (const event of drawn) {
      expect(event).toMatchObject({ name: 'sample.drawn', id: `sample.drawn:${event.key}`, body: { id: event.key, round: 1 } });
    }
  });

  it('opens nothing twice: not before the evaluation, not after a restart, not in two replicas', async () => {
    const task = theTask(40);
    await begin(task, 100);
    await Promise.all([advance(task), advance(task)]);
    await advance(task);
    const first = await said();
    expect(first).toHaveLength(11);
    await evaluate(1, 10);
    await Promise.all([advance(task), advance(task)]);
    const second = await said();
    expect(second).toHaveLength(11);
    expect(new Set([...first, ...second].map((event) => event.id)).size).toBe(22);
  });

  it('draws the same samples wherever a crash made it begin again', async () => {
    const task = theTask(40, { strategy: 'representative' });
    const samplesOf = async (store: typeof state.sampler) => {
      const drawn: unknown[] = [];
      await advanceRounds({ ...ports(), store: { ...store, openRound: async (_, samples) => void drawn.push(...samples) } }, task);
      return drawn;
    };
    await begin(task, 100);
    const lost = await samplesOf(state.sampler);
    expect(lost).toHaveLength(10);
    expect(await samplesOf(state.sampler)).toEqual(lost);

    const elsewhere = await sqliteState(':memory:');
    await elsewhere.sampler.recordBacklog(task.name, [1]);
    const candidates = poolCandidates(task.name, task.settings.sampling.seed, documents(100).reverse(), null);
    for (const candidate of candidates) await elsewhere.sampler.offer(task.name, [candidate], task.settings.sampling.poolSize);
    expect(await samplesOf(elsewhere.sampler)).toEqual(lost);
    await elsewhere.close();
  });

  it('draws by the strata that the task asks for', async () => {
    const reasons = async (sampling: Partial<SamplingSettings>) => {
      const task = theTask(40, sampling);
      const drawn: string[] = [];
      const openRound: typeof state.sampler.openRound = async (_, samples) => void drawn.push(...samples.map(({ reason }) => reason));
      await advanceRounds({ ...ports(), store: { ...state.sampler, openRound } }, task);
      return new Set(drawn);
    };
    await begin(theTask(40), 100);
    expect(await reasons({ strategy: 'uniform' })).toEqual(new Set(['uniform draw']));
    expect(await reasons({ strategy: 'representative' })).toContain('stratum Latin, short');
    expect(await reasons({ strategy: 'stratified', stratifyBy: 'channel' })).toEqual(new Set(['stratum channel=']));
  });

  it('fetches the documents that it draws, and no others', async () => {
    const task = theTask(40, { strategy: 'representative' });
    await begin(task, 100);
    const fetched: string[] = [];
    const store: typeof state.sampler = {
      ...state.sampler,
      async poolDocuments(name, ids) {
        fetched.push(...ids);
        return state.sampler.poolDocuments(name, ids);
      },
    };
    await advanceRounds({ ...ports(), store }, task);
    expect(fetched).toHaveLength(10);
    expect(await state.sampler.drawnDocumentIds(task.name)).toEqual(new Set(fetched));
  });

  it.each(['uniform', 'representative'] as const)('waits for another look where the pool changed under it (%s)', async (strategy) => {
    const task = theTask(40, { strategy });
    await begin(task, 100);
    const [first] = await state.sampler.poolRanks(task.name);
    const store: typeof state.sampler = {
      ...state.sampler,
      async *pool(name) {
        for await (const entry of state.sampler.pool(name)) if (entry.rank !== first!.rank) yield entry;
      },
      poolDocuments: (name, ids) =>
        state.sampler.poolDocuments(
          name,
          ids.filter((id) => id !== first!.documentId),
        ),
    };
    await advanceRounds({ ...ports(), store }, task);
    expect(await state.sampler.roundsState(task.name)).toEqual({ phase: 'collecting' });
    await advance(task);
    expect(await state.sampler.roundsState(task.name)).toMatchObject({ phase: 'open', round: 1 });
  });

  it('doubles the annotations with each round, to the cap, and closes', async () => {
    const task = theTask(40);
    await begin(task, 100);
    const sizes: number[] = [];
    for (const [round, annotations] of [
      [1, 10],
      [2, 20],
      [3, 40],
    ] as const) {
      await advance(task);
      sizes.push((await said()).filter((event) => event.name === 'sample.drawn').length);
      // Without agreement there is no learning curve, so nothing but the cap ends the rounds.
      await evaluate(round, annotations);
    }
    expect(sizes).toEqual([10, 10, 20]);
    await advance(task);
    expect(await said()).toMatchObject([
      { id: 'round.closed:reviews', name: 'round.closed', body: { task: 'reviews', rounds: 3, end: 'annotations_used' } },
    ]);
    await advance(task);
    expect(await said()).toEqual([]);
    expect((await state.sampler.drawnDocumentIds(task.name)).size).toBe(40);
  });

  describe('asks the teacher again', () => {
    const doubting = (annotations: number, likelyWrong: LikelyWrong = 'ask-teacher') => {
      const task = theTask(annotations);
      return { ...task, settings: { ...task.settings, student: { ...task.settings.student, likelyWrong } } };
    };
    const doubts = (...ids: string[]) => ids.map((documentId) => ({ documentId, labels: ['a'], suggested: ['b'], probability: 0.9 }));
    const drawnIn = async () => (await said()).flatMap((event) => (event.name === 'sample.drawn' ? [event.body] : []));
    const secondsOf = (samples: readonly Sample[]) => samples.filter(({ strategy }) => strategy === 'doubted');

    it('about what is doubted, once, within the size of the round and the cap', async () => {
      const task = doubting(40);
      await begin(task, 100);
      await advance(task);
      const [one, two] = (await drawnIn()).map(({ document }) => document.id);
      await evaluate(1, 10, { doubted: doubts(two!, 'never drawn', one!) });
      await Promise.all([advance(task), advance(task)]);
      const second = await drawnIn();
      expect(second).toHaveLength(10);
      expect(secondsOf(second)).toEqual(
        [two, one].map((id) => ({
          id: secondSampleId(task.name, id!),
          task: task.name,
          round: 2,
          document: documents(100).find((document) => document.id === id),
          strategy: 'doubted',
          reason: 'doubted: asked again',
          inclusionProbability: null,
        })),
      );
      // Eight of the ninety that were left.
      for (const sample of second) if (sample.strategy !== 'doubted') expect(sample.inclusionProbability).toBeCloseTo(8 / 90);
      const third = second[0]!.document.id;
      await evaluate(2, 20, { doubted: doubts(one!, third) });
      await advance(task);
      const last = await drawnIn();
      expect(last).toHaveLength(20);
      expect(secondsOf(last).map(({ document }) => document.id)).toEqual([third]);
      await evaluate(3, 40, { doubted: doubts(two!, last[0]!.document.id) });
      await advance(task);
      expect(await said()).toMatchObject([{ name: 'round.closed', body: { end: 'annotations_used' } }]);
    });

    it('also where no other document is left', async () => {
      const task = doubting(40);
      await begin(task, 12);
      await advance(task);
      await evaluate(1, 10);
      await advance(task);
      const [id] = (await drawnIn()).map(({ document }) => document.id);
      await evaluate(2, 12, { doubted: doubts(id!) });
      await advance(task);
      expect((await drawnIn()).map(({ document, strategy }) => [document.id, strategy])).toEqual([[id, 'doubted']]);
      await evaluate(3, 13);
      await advance(task);
      expect(await said()).toMatchObject([{ name: 'round.closed', body: { end: 'source_exhausted' } }]);
    });

    it('not about what newer documents pushed out of the pool, nor where the task says otherwise', async () => {
      for (const task of [doubting(40), doubting(40, 'halve')]) {
        await begin(task, 100);
        await advance(task);
        const [id] = (await drawnIn()).map(({ document }) => document.id);
        await evaluate(1, 10, { doubted: doubts(id!) });
        const pushedOut: typeof state.sampler.poolDocuments = async (name, ids) => {
          const found = await state.sampler.poolDocuments(name, ids);
          return new Map([...found].filter(([own]) => own !== id));
        };
        await advanceRounds({ ...ports(), store: { ...state.sampler, poolDocuments: pushedOut } }, task);
        const next = await drawnIn();
        expect(next).toHaveLength(10);
        expect(secondsOf(next)).toEqual([]);
        await state.close();
        state = await sqliteState(':memory:');
      }
    });
  });

  describe('closes', () => {
    /** Opens and evaluates rounds, and returns how they ended. */
    async function endOf(task: Task, count: number, evaluations: readonly (Partial<RoundEvaluation> & { annotations: number })[]) {
      await begin(task, count);
      for (const [index, { annotations, ...changes }] of evaluations.entries()) {
        await advance(task);
        await evaluate(index + 1, annotations, changes);
      }
      await advance(task);
      return (await said()).filter((event) => event.name === 'round.closed').map((event) => event.body);
    }

    it('at the plateau of the learning curve', async () => {
      const flat = [0.8, 0.81, 0.811].map((accuracy, index) => ({ annotations: 10 * 2 ** index, agreement: agreementOf(accuracy) }));
      expect(await endOf(theTask(160, { rounds: 5 }), 1000, flat)).toEqual([{ task: 'reviews', rounds: 3, end: 'plateau' }]);
    });

    it('not while the curve still promises more than the gain asked for', async () => {
      const steep = [0.6, 0.7, 0.775].map((accuracy, index) => ({ annotations: 10 * 2 ** index, agreement: agreementOf(accuracy) }));
      expect(await endOf(theTask(160, { rounds: 5 }), 1000, steep)).toEqual([]);
    });

    it('not at a plateau that fewer than three different numbers of annotations suggest', async () => {
      const stuck = [10, 10, 20].map((annotations) => ({ annotations, agreement: agreementOf(0.8) }));
      expect(await endOf(theTask(160, { rounds: 5 }), 1000, stuck)).toEqual([]);
    });

    it('not, and not with an error either, after a round without any annotation', async () => {
      const accuracies = [0.5, 0.6, 0.7, 0.775];
      const refusedFirst = accuracies.map((accuracy, index) => ({
        annotations: [0, 10, 20, 40][index]!,
        agreement: agreementOf(accuracy),
      }));
      expect(await endOf(theTask(320, { rounds: 6 }), 1000, refusedFirst)).toEqual([]);
    });

    it('when the agreement asked for is reached', async () => {
      const task = theTask(160, { targetAgreement: 0.9 });
      expect(await endOf(task, 1000, [{ annotations: 40, agreement: agreementOf(0.95) }])).toMatchObject([
        { rounds: 1, end: 'target_reached' },
      ]);
    });

    it('when the money is used up', async () => {
      expect(await endOf(theTask(40), 1000, [{ annotations: 3, budgetExhausted: true }])).toMatchObject([
        { rounds: 1, end: 'budget_exhausted' },
      ]);
    });

    it('when every document of the pool has been drawn', async () => {
      expect(await endOf(theTask(40), 12, [{ annotations: 10 }, { annotations: 12 }])).toMatchObject([
        { rounds: 2, end: 'source_exhausted' },
      ]);
    });

    it('without a round where no document of the source can be used', async () => {
      expect(await endOf(theTask(40), 0, [])).toMatchObject([{ rounds: 0, end: 'source_exhausted' }]);
    });
  });
});
