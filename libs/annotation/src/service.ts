import type { AnnotationStore, Clock, EventLog, JobStore, Lease, OnRetry, Task, Teacher, TeacherFailure } from '@llambert/domain';
import { nanoUsd } from '@llambert/domain';
import { consumeEvents, followEvents, type JobResult, runJobs, type Service, serviceGroup } from '@llambert/platform';
import { annotateJobHandler, annotateJobKind, recordSamples } from './annotate-job.ts';
import { type Brake, brake } from './brake.ts';

export interface AnnotatorPorts {
  readonly prefix: string;
  readonly eventLog: EventLog;
  readonly jobs: JobStore;
  readonly store: AnnotationStore;
  /** The teacher that a task's settings name; asked for once a publication. */
  readonly teacherFor: (task: Task) => Teacher;
  /** Hears how each call ended: with a failure, or with an answer (null). */
  readonly onOutcome: (failure: TeacherFailure | null) => void;
  readonly onRetry?: OnRetry | undefined;
  /** Hears, once for each teacher, of what a person should know. */
  readonly onNotice?: ((message: string) => void) | undefined;
  readonly clock: Clock;
  /** Names this process among the annotators. */
  readonly owner: string;
}

const serviceName = 'llm-annotator';
/** How long a killed annotator's samples wait for another one. */
const leaseMs = 30_000;
const pollMs = 200;

/**
 * The llm-annotator: hears of tasks and samples, and asks each task's teacher about its samples within the task's budget. Ends with
 * `teacher_unusable` where a teacher's answers are of no use.
 */
export function annotatorService(ports: AnnotatorPorts): Service {
  const services = serviceGroup();
  const tasks = new Map<string, { task: Task; teacher: Teacher; brake: Brake }>();
  const handle = annotateJobHandler({
    ...ports,
    taskOf: (name) => tasks.get(name)?.task,
    teacherOf: ({ name }) => tasks.get(name)!.teacher,
  });
  const annotate = async (lease: Lease, signal: AbortSignal): Promise<JobResult> => {
    tasks.get(lease.scope)?.brake.check();
    const result = await handle(lease, signal);
    if ('failure' in result) {
      if (result.failure !== null) ports.onOutcome(result.failure);
    } else {
      if (result.asked) ports.onOutcome(null);
      tasks.get(lease.scope)?.brake.heard(result.answer);
    }
    return result;
  };
  services.add('tasks', () =>
    followEvents({
      ...ports,
      name: 'task.published',
      onEvent: async (task) => {
        await ports.store.recordBudget(task.name, nanoUsd(task.settings.budget.usd));
        tasks.set(task.name, { task, teacher: ports.teacherFor(task), brake: brake() });
        services.add(`annotations of ${task.name}`, () =>
          runJobs({
            store: ports.jobs,
            kind: annotateJobKind(task.name),
            owner: ports.owner,
            concurrency: task.settings.teacher.concurrency,
            leaseMs,
            pollMs,
            clock: ports.clock,
            onRetry: ports.onRetry,
            handle: annotate,
          }),
        );
      },
    }),
  );
  services.add('samples', () =>
    consumeEvents({ ...ports, service: serviceName, name: 'sample.drawn', handle: (samples) => recordSamples(ports.jobs, samples) }),
  );
  return services;
}
