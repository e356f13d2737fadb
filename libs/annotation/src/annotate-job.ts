import { randomUUID } from 'node:crypto';
import {
  type AnnotationStore,
  type Answer,
  type Clock,
  canonicalJson,
  type Event,
  type JobStore,
  type Lease,
  type OnRetry,
  type Sample,
  type Task,
  type Teacher,
  type TeacherFailure,
} from '@llambert/domain';
import { annotateSample } from './annotate.ts';
import { retryDelay } from './backoff.ts';
import { type Overrun, overrunMessage } from './overrun.ts';

/** A kind for each task, so that a task whose teacher is slow or away holds up no other one. */
export function annotateJobKind(task: string): string {
  return `annotate:${task}`;
}

/** Records one job for each sample: recording it twice is recording it once. */
export async function recordSamples(jobs: Pick<JobStore, 'enqueue'>, samples: readonly Sample[]): Promise<void> {
  await jobs.enqueue(
    samples.map((sample) => ({ kind: annotateJobKind(sample.task), id: sample.id, scope: sample.task, payload: canonicalJson(sample) })),
  );
}

export interface AnnotateJobPorts {
  readonly store: AnnotationStore;
  readonly clock: Clock;
  /** The task of that name; undefined while it has not been heard of. */
  readonly taskOf: (name: string) => Task | undefined;
  readonly teacherOf: (task: Task) => Teacher;
  /** Hears of each call that will be made again. */
  readonly onRetry?: OnRetry | undefined;
  /** Hears, once for each teacher, of what a person should know. */
  readonly onNotice?: ((message: string) => void) | undefined;
}

/** How a job ended: what `runJobs` wants, and why it is to be tried again where a teacher failed. */
export type AnnotateJobResult =
  | {
      readonly complete: readonly Event[];
      /** Whether the teacher was asked: a cached answer says nothing about it. */
      readonly asked: boolean;
      readonly answer: Answer;
    }
  | { readonly releaseAfterMs: number; readonly failure: TeacherFailure | null };

/** Tries of a sample that may have cost money, in one process. */
const maxCostlyTries = 3;
/** Rest of a sample that waits for money or for its task to be heard of. */
const waitMs = 500;
/** How long calls in flight may go on after the annotator was told to stop: most answers that are paid for come in this time. */
const graceMs = 5000;

/**
 * The handler of annotation jobs. A teacher that is away or has enough makes all calls to it pause, for the next one would fail as well;
 * the jobs in hand wait out the pause rather than pass it on to those behind them.
 */
export function annotateJobHandler(ports: AnnotateJobPorts): (lease: Lease, signal: AbortSignal) => Promise<AnnotateJobResult> {
  const pauses = new Map<string, { until: number; failures: number }>();
  const costlyTries = new Map<string, number>();
  /** The worst overrun of each teacher. */
  const overruns = new Map<string, Overrun>();

  return async (lease, signal) => {
    const task = ports.taskOf(lease.scope);
    if (task === undefined) return { releaseAfterMs: waitMs, failure: null };
    const sample = JSON.parse(lease.payload) as Sample;
    const teacher = ports.teacherOf(task);
    const pause = pauses.get(teacher.endpoint);
    if (pause !== undefined) await ports.clock.sleep(pause.until - ports.clock.now(), signal);

    // Never used before: the ledger outlives the jobs' state, in which tokens count from the beginning.
    const callId = randomUUID();
    const tries = (costlyTries.get(sample.id) ?? 0) + 1;
    const call = withGrace(signal, ports.clock);
    const overrun = overruns.get(teacher.endpoint) ?? null;
    const lastTry = tries >= maxCostlyTries;
    const work = { task, sample, teacher, store: ports.store, callId, lastTry, overrun, signal, callSignal: call.signal };
    const result = await annotateSample(work).finally(call.end);

    if (result.kind === 'wait') return { releaseAfterMs: waitMs, failure: null };
    if (result.kind === 'answer') {
      costlyTries.delete(sample.id);
      if (result.overrun !== undefined) {
        const known = overruns.get(teacher.endpoint);
        if (known === undefined) ports.onNotice?.(overrunMessage(result.overrun, teacher.endpoint));
        if (known === undefined || known.factor < result.overrun.factor) overruns.set(teacher.endpoint, result.overrun);
      }
      // A pause that began while this call was under way stands, but the teacher is not away.
      const begun = pauses.get(teacher.endpoint);
      if (begun === pause) pauses.delete(teacher.endpoint);
      else if (begun !== undefined) pauses.set(teacher.endpoint, { until: begun.until, failures: 0 });
      return {
        complete: [answeredEvent(result.answer)],
        asked: !result.answer.cached && result.answer.model !== '',
        answer: result.answer,
      };
    }
    const { failure } = result;
    if (failure.charged === 'perhaps') costlyTries.set(sample.id, tries);
    const current = pauses.get(teacher.endpoint);
    // Calls that were under way together and fail together are one failure of the teacher.
    const failures = (current?.failures ?? 0) + (current === pause ? 1 : 0);
    const delay = retryDelay(failure, failures, callId);
    // An answer that cannot be read says nothing about the next one.
    if (failure.kind !== 'malformed') {
      pauses.set(teacher.endpoint, { until: Math.max(ports.clock.now() + delay, current?.until ?? 0), failures });
    }
    ports.onRetry?.({ what: 'asking the teacher', reason: failure.detail, failures: Math.max(1, failures), waitMs: delay });
    return { releaseAfterMs: delay, failure };
  };
}

function answeredEvent(answer: Answer): Event {
  return { id: `answered:${answer.sampleId}`, name: 'sample.answered', key: answer.task, body: answer };
}

/** A signal that follows another one after `graceMs`. */
function withGrace(signal: AbortSignal, clock: Clock): { signal: AbortSignal; end: () => void } {
  const late = new AbortController();
  const ended = new AbortController();
  const begin = () => void clock.sleep(graceMs, ended.signal).then(() => late.abort());
  signal.addEventListener('abort', begin, { once: true });
  return {
    signal: late.signal,
    end: () => {
      signal.removeEventListener('abort', begin);
      ended.abort();
    },
  };
}
