import { consumerGroup, topicName } from '@llambert/contracts';
import {
  type ArtifactStore,
  type Clock,
  canonicalJson,
  type Event,
  type EventLog,
  type EventName,
  type EventTypes,
  type JobStore,
  type Lease,
  labelSetOf,
  type OnRetry,
  type RoundOpened,
  type Task,
  type TrainerStore,
} from '@llambert/domain';
import { consumeEvents, followEvents, type JobResult, runJobs, type Service, serviceGroup, ticker } from '@llambert/platform';
import { assembleDataset, knownDocuments, withUnlabelled } from './dataset.ts';
import { trainRound } from './train-round.ts';
import type { TrainStudent } from './train-student.ts';
import { drawUnlabelled } from './unlabelled.ts';

export interface TrainerPorts {
  readonly prefix: string;
  readonly eventLog: EventLog;
  readonly store: TrainerStore;
  readonly jobs: JobStore;
  readonly artifacts: ArtifactStore;
  readonly train: TrainStudent;
  readonly clock: Clock;
  /** Names this process among the trainers. */
  readonly owner: string;
  /** Rest between two looks at whether a round's answers are complete, in milliseconds. */
  readonly tickMs: number;
  readonly onRetry?: OnRetry | undefined;
}

const serviceName = 'trainer';
const jobKind = 'train';
const leaseMs = 30_000;
const pollMs = 500;

/** The trainer: hears of samples, answers and gold, and trains when a round's samples are all answered. */
export function trainerService(ports: TrainerPorts): Service {
  const { store } = ports;
  const services = serviceGroup();
  const tasks = new Map<string, Task>();
  services.add('tasks', () =>
    followEvents({
      ...ports,
      name: 'task.published',
      onEvent: async (task) => {
        tasks.set(task.name, task);
      },
    }),
  );
  const record = <Name extends EventName>(name: Name, handle: (bodies: readonly EventTypes[Name][]) => Promise<void>) =>
    services.add(name, () => consumeEvents({ ...ports, service: serviceName, name, handle }));
  record('review.decided', (gold) => store.recordGold(gold));
  record('sample.drawn', (samples) => store.recordSamples(samples));
  record('sample.answered', (answers) => store.recordAnswers(answers));
  record('round.opened', (rounds) => store.recordRounds(rounds));
  services.add('completion', () =>
    ticker({
      name: 'looking for rounds to train',
      onRetry: ports.onRetry,
      clock: ports.clock,
      intervalMs: ports.tickMs,
      work: async () => {
        for (const task of tasks.values()) await startTraining(ports, task);
      },
    }),
  );
  services.add('training', () =>
    runJobs({
      store: ports.jobs,
      kind: jobKind,
      owner: ports.owner,
      concurrency: 1,
      leaseMs,
      pollMs,
      clock: ports.clock,
      onRetry: ports.onRetry,
      handle: (lease, signal) => train(ports, lease, signal),
    }),
  );
  return services;
}

/** Records a training job for every round that is complete, or past its deadline with a quorum. */
async function startTraining(ports: TrainerPorts, task: Task): Promise<void> {
  for (const opened of await ports.store.roundsToTrain(task.name)) {
    if (!(await isComplete(ports, opened))) continue;
    // The source as it is now: a training that is begun anew after a crash draws from the same documents.
    const sourceEnds = task.settings.student.pseudoLabels === null ? [] : await ports.eventLog.endOffsets(task.topics.source);
    const payload = canonicalJson({ task, round: opened.round, sourceEnds });
    await ports.jobs.enqueue([{ kind: jobKind, id: `${task.name}:${opened.round}`, scope: task.name, payload }]);
    await ports.store.markEnqueued(task.name, opened.round);
  }
}

async function isComplete(ports: TrainerPorts, opened: RoundOpened): Promise<boolean> {
  const round = await ports.store.round(opened.task, opened.round);
  if (round === null || round.samples < opened.samples) return false;
  const quorum = ports.clock.now() >= opened.deadline ? Math.ceil(opened.quorum * opened.samples) : opened.samples;
  return round.answers >= quorum && (await isGoldRead(ports));
}

/** Gold that was there before the round must be part of its dataset, or a run and its repetition would train on different rows. */
async function isGoldRead(ports: TrainerPorts): Promise<boolean> {
  const topic = topicName(ports.prefix, 'review.decided');
  const [ends, committed] = await Promise.all([
    ports.eventLog.endOffsets(topic),
    ports.eventLog.committedOffsets(consumerGroup(ports.prefix, serviceName), topic),
  ]);
  return ends.every((end, partition) => (committed[partition] ?? 0) >= end);
}

async function train(ports: TrainerPorts, lease: Lease, signal: AbortSignal): Promise<JobResult> {
  const { task, round, sourceEnds } = JSON.parse(lease.payload) as { task: Task; round: number; sourceEnds: number[] };
  const answered = await ports.store.answeredSamples(task.name, round);
  const gold = await ports.store.gold(task.name);
  const labelled = assembleDataset(task.name, labelSetOf(task.spec), answered, gold);
  const { pseudoLabels } = task.settings.student;
  const draw = (count: number) =>
    drawUnlabelled(ports.eventLog, task, { count, ends: sourceEnds, known: new Set(knownDocuments(labelled)) }, signal);
  const dataset = pseudoLabels === null ? labelled : withUnlabelled(labelled, await draw(pseudoLabels.documents));
  const budgetExhausted = answered.some(({ answer }) => answer.kind === 'rejection' && answer.reason === 'budget_exhausted');
  const { model, evaluation } = await trainRound(task, round, dataset, budgetExhausted, { ...ports, signal });
  const evaluated: Event = { id: `round.evaluated:${task.name}:${round}`, name: 'round.evaluated', key: task.name, body: evaluation };
  if (model === null) return { complete: [evaluated] };
  const body = { task: task.name, digest: model.digest, manifest: model.manifest };
  return { complete: [{ id: `model.released:${task.name}:${round}`, name: 'model.released', key: model.digest, body }, evaluated] };
}
