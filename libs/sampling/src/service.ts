import { usableDocument } from '@llambert/contracts';
import type { OnRetry, Task } from '@llambert/domain';
import { consumeEvents, followEvents, type Service, serviceGroup, ticker } from '@llambert/platform';
import { poolCandidates } from './pool.ts';
import { advanceRounds, type RoundsPorts, serviceName, sourceGroup } from './rounds.ts';

export interface SamplerPorts extends RoundsPorts {
  /** Rest between two looks at whether a round can be opened or closed, in milliseconds. */
  readonly tickMs: number;
  readonly onRetry?: OnRetry | undefined;
}

const documentsPerBatch = 1000;

/** The sampler: keeps a pool per task, opens rounds, draws their samples, closes the rounds. */
export function samplerService(ports: SamplerPorts): Service {
  const services = serviceGroup();
  const tasks = new Map<string, Task>();
  services.add('tasks', () =>
    followEvents({
      ...ports,
      name: 'task.published',
      onEvent: async (task) => {
        await ports.store.recordBacklog(task.name, await ports.eventLog.endOffsets(task.topics.source));
        tasks.set(task.name, task);
        services.add(`pool ${task.name}`, () => fillPool(ports, task));
      },
    }),
  );
  services.add('evaluations', () =>
    consumeEvents({
      ...ports,
      service: serviceName,
      name: 'round.evaluated',
      handle: async (evaluations) => {
        for (const evaluation of evaluations) await ports.store.recordEvaluation(evaluation);
      },
    }),
  );
  services.add('rounds', () =>
    ticker({
      name: 'looking for rounds to open',
      onRetry: ports.onRetry,
      clock: ports.clock,
      intervalMs: ports.tickMs,
      work: async () => {
        for (const task of tasks.values()) await advanceRounds(ports, task);
      },
    }),
  );
  return services;
}

/** Consumes a task's source into its pool. */
function fillPool(ports: SamplerPorts, task: Task): Service {
  const { seed, poolSize } = task.settings.sampling;
  return ports.eventLog.consume({
    group: sourceGroup(ports.prefix, task),
    topic: task.topics.source,
    maxBatch: documentsPerBatch,
    handle: async (records) => {
      // What cannot be labelled is left to the pass, which reports it: said here too, it would count twice.
      const fit = records.flatMap((record) => usableDocument(record) ?? []);
      const ceiling = await ports.store.poolCeiling(task.name, poolSize);
      const candidates = poolCandidates(task.name, seed, fit, ceiling);
      if (candidates.length > 0) await ports.store.offer(task.name, candidates, poolSize);
      return [];
    },
  });
}
