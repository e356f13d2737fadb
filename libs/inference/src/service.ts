import { consumerGroup } from '@llambert/contracts';
import { type ArtifactStore, type DeploymentChanged, type EventLog, LlambertError, type PassOpened } from '@llambert/domain';
import { followEvents, type Service, serviceGroup } from '@llambert/platform';
import type { ClassifierPool } from './classifier-pool.ts';
import { serviceName } from './classify-records.ts';

export interface InferencePorts {
  readonly prefix: string;
  readonly eventLog: EventLog;
  readonly artifacts: ArtifactStore;
  readonly pool: ClassifierPool;
  /** Records in a batch of the hot path: a transaction's worth. */
  readonly batch: number;
}

/** Group by which a pass reads its source: how far it got is how far the pass is. */
export function passGroup(prefix: string, task: string, pass: string): string {
  return consumerGroup(prefix, serviceName, `${task}.${pass}`);
}

/** Inference: labels every document of the sources of the open passes with the model that is deployed. */
export function inferenceService(ports: InferencePorts): Service {
  const deployments = new Map<string, DeploymentChanged>();
  const services = serviceGroup();
  services.add('deployments', () =>
    followEvents({
      ...ports,
      name: 'deployment.changed',
      onEvent: async (deployment) => {
        deployments.set(deployment.task, deployment);
      },
    }),
  );
  services.add('passes', () =>
    followEvents({
      ...ports,
      name: 'pass.opened',
      onEvent: async (pass) => {
        services.add(`pass ${pass.task}/${pass.pass}`, () => labelSource(ports, pass, () => deployments.get(pass.task)));
      },
    }),
  );
  return services;
}

/** Consumes a pass's source into its predictions. A record that comes before the deployment is known waits for it. */
function labelSource(ports: InferencePorts, pass: PassOpened, deployment: () => DeploymentChanged | undefined): Service {
  const target = { prefix: ports.prefix, task: pass.task, pass: pass.pass, predictionsTopic: pass.predictions };
  const opened = new Map<string, ReturnType<ArtifactStore['open']>>();
  const openOnce = (digest: string) => {
    const known = opened.get(digest) ?? ports.artifacts.open(digest);
    opened.clear();
    opened.set(digest, known);
    // A store that is away for a moment must not be away for ever.
    known.catch(() => opened.delete(digest));
    return known;
  };
  return ports.eventLog.consume({
    group: passGroup(ports.prefix, pass.task, pass.pass),
    topic: pass.source,
    maxBatch: ports.batch,
    handle: async (records) => {
      const deployed = deployment();
      if (deployed === undefined) throw new LlambertError('busy', `no model is deployed for the task ${pass.task} yet`);
      const { folder, manifest } = await openOnce(deployed.model);
      return ports.pool.classify({ digest: deployed.model, folder, manifest }, target, records);
    },
  });
}
