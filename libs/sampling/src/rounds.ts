import { consumerGroup } from '@llambert/contracts';
import {
  type Clock,
  type Document,
  type Event,
  type EventLog,
  nextRound,
  type RoundEvaluation,
  type RoundOpened,
  type RoundsState,
  type Sample,
  type SamplerStore,
  sampleId,
  secondSampleId,
  type Task,
} from '@llambert/domain';
import { fitPowerLaw } from '@llambert/statistics';
import { type DrawRequest, drawSamples } from './draw.ts';
import { strataOf } from './strata.ts';

export interface RoundsPorts {
  readonly prefix: string;
  readonly eventLog: EventLog;
  readonly store: SamplerStore;
  readonly clock: Clock;
}

export const serviceName = 'sampler';

/** Group by which a task's source is read into its pool. */
export function sourceGroup(prefix: string, task: Task): string {
  return consumerGroup(prefix, serviceName, task.name);
}

/** Looks at where a task's rounds stand and does what comes next. Safe to repeat and to run in several replicas at once. */
export async function advanceRounds(ports: RoundsPorts, task: Task): Promise<void> {
  const { store } = ports;
  const state = await store.roundsState(task.name);
  const evaluations = await store.evaluations(task.name);
  if (!(await canAdvance(ports, task, state, evaluations))) return;

  const { sampling, budget } = task.settings;
  const pool = await store.poolRanks(task.name);
  const drawn = await store.drawnDocumentIds(task.name);
  const doubted = await doubtedDocuments(store, task, { state, evaluations, drawn });
  const decision = nextRound(state, {
    settings: sampling,
    maxAnnotations: budget.annotations,
    backlogRead: true,
    poolLeft: pool.filter((entry) => !drawn.has(entry.documentId)).length + doubted.length,
    evaluations,
    predictedGain: predictedGain(evaluations),
  });
  if (decision === 'wait') return;
  if ('close' in decision) {
    const body = { task: task.name, rounds: state.phase === 'open' ? state.round : 0, end: decision.close };
    await store.closeRounds(body, [{ id: `round.closed:${task.name}`, name: 'round.closed', key: task.name, body }]);
    return;
  }
  const { round, size } = decision.open;
  const second = doubted.slice(0, size).map((document) => secondSample(task.name, round, document));
  const first = await drawnSamples(store, task, { round, pool, drawn, size: size - second.length });
  if (first === null) return;
  const samples = [...first, ...second];
  const opened: RoundOpened = {
    task: task.name,
    round,
    samples: samples.length,
    deadline: ports.clock.now() + sampling.deadlineSeconds * 1000,
    quorum: sampling.quorum,
  };
  await store.openRound(opened, samples, [
    { id: `round.opened:${task.name}:${round}`, name: 'round.opened', key: task.name, body: opened },
    ...samples.map((sample): Event => ({ id: `sample.drawn:${sample.id}`, name: 'sample.drawn', key: sample.id, body: sample })),
  ]);
}

/**
 * Documents whose annotation the trainer doubts, to be asked about again in the next round: each once in a task's life, the most doubtful
 * first. One that newer documents have pushed out of the pool is not to be had any more.
 */
async function doubtedDocuments(
  store: SamplerStore,
  task: Task,
  known: { state: RoundsState; evaluations: readonly RoundEvaluation[]; drawn: ReadonlySet<string> },
): Promise<readonly Document[]> {
  const { state, evaluations, drawn } = known;
  if (task.settings.student.likelyWrong !== 'ask-teacher' || state.phase !== 'open') return [];
  const asked = await store.askedAgainIds(task.name);
  const ids = evaluations
    .filter(({ round }) => round === state.round)
    .flatMap(({ doubted }) => doubted.map(({ documentId }) => documentId))
    .filter((id) => drawn.has(id) && !asked.has(id));
  const documents = await store.poolDocuments(task.name, ids);
  return ids.flatMap((id) => documents.get(id) ?? []);
}

function secondSample(task: string, round: number, document: Document): Sample {
  return {
    id: secondSampleId(task, document.id),
    task,
    round,
    document,
    strategy: 'doubted',
    reason: 'doubted: asked again',
    inclusionProbability: null,
  };
}

/**
 * The newly drawn samples of a round, with the documents that were drawn and no others in memory; null where the pool changed meanwhile: the next
 * look finds the new one.
 */
async function drawnSamples(
  store: SamplerStore,
  task: Task,
  request: Pick<DrawRequest, 'round' | 'pool' | 'drawn' | 'size'>,
): Promise<Sample[] | null> {
  const settings = task.settings.sampling;
  const strata = settings.strategy === 'uniform' ? null : await strataOf(store.pool(task.name), settings.stratifyBy);
  if (strata !== null && request.pool.some(({ documentId }) => !strata.has(documentId))) return null;
  const draws = drawSamples({ ...request, task: task.name, strata, settings });
  const documents = await store.poolDocuments(
    task.name,
    draws.map(({ documentId }) => documentId),
  );
  if (documents.size < draws.length) return null;
  return draws.map(({ documentId, strategy, reason, inclusionProbability }) => ({
    id: sampleId(task.name, documentId),
    task: task.name,
    round: request.round,
    document: documents.get(documentId)!,
    strategy,
    reason,
    inclusionProbability,
  }));
}

/** Whether there can be something to do: to know that at every look must not cost reading the pool. */
async function canAdvance(ports: RoundsPorts, task: Task, state: RoundsState, evaluations: readonly RoundEvaluation[]): Promise<boolean> {
  if (state.phase === 'closed') return false;
  if (state.phase === 'open') return evaluations.some((evaluation) => evaluation.round === state.round);
  return isBacklogRead(ports, task);
}

/** Whether the pool holds what stood in the source when the task began; where that was nothing, enough for all annotations. */
async function isBacklogRead({ prefix, eventLog, store }: RoundsPorts, task: Task): Promise<boolean> {
  const backlog = await store.backlog(task.name);
  if (backlog === null) return false;
  if (backlog.every((end) => end === 0)) {
    const { budget, sampling } = task.settings;
    return (await store.poolCeiling(task.name, Math.min(sampling.poolSize, budget.annotations))) !== null;
  }
  const committed = await eventLog.committedOffsets(sourceGroup(prefix, task), task.topics.source);
  return backlog.every((end, partition) => (committed[partition] ?? 0) >= end);
}

/**
 * Gain in agreement to be had from doubling the annotations, by a power law through the rounds so far; null before three different
 * numbers of annotations, where the law would fit anything.
 */
function predictedGain(evaluations: readonly RoundEvaluation[]): number | null {
  const points = evaluations.flatMap(({ annotations, agreement }) =>
    agreement === null || annotations === 0 ? [] : [{ n: annotations, error: 1 - agreement.accuracy }],
  );
  if (new Set(points.map(({ n }) => n)).size < 3) return null;
  const law = fitPowerLaw(points);
  const annotations = Math.max(...evaluations.map((evaluation) => evaluation.annotations));
  return law.predict(annotations) - law.predict(2 * annotations);
}
