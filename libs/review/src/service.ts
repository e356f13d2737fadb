import type { Clock, EventLog, EventName, EventTypes, GatewayStore, OnRetry, Task } from '@llambert/domain';
import { consumeEvents, followEvents, type Service, serviceGroup, ticker } from '@llambert/platform';
import { modelToPromote } from './promotion.ts';

export interface GatewayPorts {
  readonly prefix: string;
  readonly eventLog: EventLog;
  readonly store: GatewayStore;
  readonly clock: Clock;
  /** Rest between two looks at whether a model can be deployed, in milliseconds. */
  readonly tickMs: number;
  readonly onRetry?: OnRetry | undefined;
}

const serviceName = 'gateway';

/** The live pass of a task: there is one. */
export const livePass = 'live';

/** The gateway's part in the choreography: hears of models and rounds, and deploys when the rounds are closed. */
export function gatewayService(ports: GatewayPorts): Service {
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
  const record = <Name extends EventName>(name: Name, keep: (body: EventTypes[Name]) => Promise<void>) =>
    services.add(name, () =>
      consumeEvents({
        ...ports,
        service: serviceName,
        name,
        handle: async (bodies) => {
          for (const body of bodies) await keep(body);
        },
      }),
    );
  record('model.released', (model) => store.recordModel(model));
  record('round.evaluated', (evaluation) => store.recordEvaluation(evaluation));
  record('round.closed', (closed) => store.recordRoundsClosed(closed));
  services.add('promotion', () =>
    ticker({
      name: 'looking for models to deploy',
      onRetry: ports.onRetry,
      clock: ports.clock,
      intervalMs: ports.tickMs,
      work: async () => {
        for (const task of tasks.values()) await promote(store, task);
      },
    }),
  );
  return services;
}

/**
 * Deploys a task's model and opens its live pass, once its rounds are closed and all their evaluations and models have been heard of.
 * Safe to repeat: a task that has a deployment keeps it.
 */
export async function promote(store: GatewayStore, task: Task): Promise<void> {
  if ((await store.deployment(task.name)) !== null) return;
  const closed = await store.roundsClosed(task.name);
  const evaluations = await store.evaluations(task.name);
  if (closed === null || evaluations.length < closed.rounds) return;
  const models = await store.models(task.name);
  if (evaluations.some((evaluation) => evaluation.model !== null && !models.some((model) => model.digest === evaluation.model))) return;
  const chosen = modelToPromote(models);
  if (chosen === null) return;
  const change = { task: task.name, model: chosen.digest };
  const pass = {
    task: task.name,
    pass: livePass,
    kind: 'live' as const,
    source: task.topics.source,
    predictions: task.topics.predictions,
  };
  await store.deploy(change, pass, [
    { id: `deployment.changed:${task.name}:${chosen.digest}`, name: 'deployment.changed', key: task.name, body: change },
    { id: `pass.opened:${task.name}:${livePass}`, name: 'pass.opened', key: `${task.name}/${livePass}`, body: pass },
  ]);
}
