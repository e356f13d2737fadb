import type { AnnotationStore, GatewayStore, JobStore, Outbox, RunStore, SamplerStore, TrainerStore } from '@llambert/domain';

/** Every store of a state, as an adapter opens them. */
export interface OpenedState {
  readonly jobs: JobStore;
  readonly outbox: Outbox;
  readonly sampler: SamplerStore;
  readonly annotation: AnnotationStore;
  readonly trainer: TrainerStore;
  readonly gateway: GatewayStore;
  readonly run: RunStore;
  close(): Promise<void>;
}

/** A state that a test has for itself. Each `open` is another connection to it, as another process would have. */
export interface StateHarness {
  open(): Promise<OpenedState>;
  /** Closes what is open and removes the state. */
  destroy(): Promise<void>;
}
