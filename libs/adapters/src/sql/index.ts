import type { AnnotationStore, GatewayStore, JobStore, Outbox, RunStore, SamplerStore, TrainerStore } from '@llambert/domain';
import type { Kysely } from 'kysely';
import { sqlAnnotationStore } from './annotation-store.ts';
import { sqlGatewayStore } from './gateway-store.ts';
import { sqlJobStore } from './job-store.ts';
import { sqlOutbox } from './outbox.ts';
import { sqlRunStore } from './run-store.ts';
import { sqlSamplerStore } from './sampler-store.ts';
import type { StateTables } from './schema.ts';
import { sqlTrainerStore } from './trainer-store.ts';

export { createStateTables, type StateTables } from './schema.ts';

/** Every store of the state. */
export interface StateStores {
  readonly jobs: JobStore;
  readonly outbox: Outbox;
  readonly sampler: SamplerStore;
  readonly annotation: AnnotationStore;
  readonly trainer: TrainerStore;
  readonly gateway: GatewayStore;
  readonly run: RunStore;
}

/** The stores over one SQL database whose tables are there. */
export function sqlStores(database: Kysely<StateTables>): StateStores {
  return {
    jobs: sqlJobStore(database),
    outbox: sqlOutbox(database),
    sampler: sqlSamplerStore(database),
    annotation: sqlAnnotationStore(database),
    trainer: sqlTrainerStore(database),
    gateway: sqlGatewayStore(database),
    run: sqlRunStore(database),
  };
}
