import { availableParallelism } from 'node:os';
import { openAiTeacher } from '@llambert/adapters/openai';
import { annotatorService } from '@llambert/annotation';
import { taskTopicDefinitions, topicDefinitions } from '@llambert/contracts';
import { LlambertError, type OnRetry, type Task, type TeacherFailure } from '@llambert/domain';
import { classifierPool, inferenceService } from '@llambert/inference';
import { joinServices, outboxRelay, type Service, systemClock } from '@llambert/platform';
import { gatewayService } from '@llambert/review';
import { samplerService } from '@llambert/sampling';
import { type TrainingProgress, trainerService, trainInWorker } from '@llambert/training';
import type { FetchEncoder } from './fetch-encoder.ts';
import type { RunFolder } from './run-folder.ts';

/** Rest between two looks for what is to do, in milliseconds: one machine has no lag to hide. */
const tickMs = 50;
/**
 * Documents in a transaction of the hot path: some seconds' work at most, by the student's speed. Always as many, so that documents meet
 * the same others in a batch, and get the same probabilities to the last digit, whenever the run was killed.
 */
const documentsPerBatch = { linear: 2000, encoder: 32 };
/** The folder's lock lets one process in, so all of them may have this name: each goes on with what its predecessor had in hand. */
const owner = 'one-machine';

export interface LoopOptions {
  readonly task: Task;
  /** First part of the names of the loop's topics. */
  readonly prefix: string;
  readonly state: Awaited<ReturnType<RunFolder['openLoop']>>;
  readonly apiKey: string | null;
  readonly workers: number | null;
  readonly fetchEncoder: FetchEncoder;
  readonly onTraining: (progress: TrainingProgress) => void;
  readonly onOutcome: (failure: TeacherFailure | null) => void;
  readonly onRetry: OnRetry;
  readonly onNotice: (message: string) => void;
}

/** Creates the topics of a loop; the documents' topic is the task's, whatever the loop. */
export async function createLoopTopics(run: RunFolder, task: Task, prefix: string): Promise<void> {
  await run.eventLog.createTopics([...topicDefinitions(prefix, 1), ...taskTopicDefinitions(task.topics, 1)]);
}

/** All services of the loop in this process: the same stages as in the cluster, over the embedded adapters. */
export function startLoop(run: RunFolder, options: LoopOptions): Service {
  const { prefix, state, task } = options;
  const pool = classifierPool(options.workers ?? availableParallelism());
  const ports = { prefix, eventLog: run.eventLog, clock: systemClock, tickMs, owner, onRetry: options.onRetry };
  const services = joinServices([
    samplerService({ ...ports, store: state.sampler }),
    annotatorService({
      ...ports,
      jobs: state.jobs,
      store: run.ledger.annotation,
      teacherFor: (task) => openAiTeacher({ baseUrl: task.settings.teacher.baseUrl, apiKey: options.apiKey }),
      onOutcome: options.onOutcome,
      onNotice: options.onNotice,
    }),
    trainerService({
      ...ports,
      store: state.trainer,
      jobs: state.jobs,
      artifacts: run.artifacts,
      train: trainInWorker(
        { fetchEncoder: options.fetchEncoder, stateFolder: run.paths.training, threads: availableParallelism() },
        options.onTraining,
      ),
    }),
    gatewayService({ ...ports, store: state.gateway }),
    inferenceService({
      ...ports,
      artifacts: run.artifacts,
      pool,
      batch: documentsPerBatch[task.settings.student.encoder === null ? 'linear' : 'encoder'],
    }),
    outboxRelay({ ...ports, outbox: state.outbox, intervalMs: tickMs }),
  ]);
  return {
    done: services.done,
    async stop() {
      await services.stop();
      await pool.close();
    },
  };
}

/** The teacher's key from the environment variable that the task names. */
export function apiKeyOf(task: Task, environment: NodeJS.ProcessEnv): string | null {
  const name = task.settings.teacher.apiKeyEnv;
  if (name === null) return null;
  const key = environment[name];
  if (key !== undefined && key !== '') return key;
  throw new LlambertError(
    'invalid_input',
    `the environment variable ${name} is not set: the task's teacher.apiKeyEnv says it holds the key. Set it, or remove apiKeyEnv for a server that wants none`,
  );
}
