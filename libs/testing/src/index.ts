export { aDrawnSample, anAnnotation, anEvaluation, anEvent, aRejection, aRound } from './builders/events.ts';
export { aDocument, aSample, aTask } from './builders/task.ts';
export type { EventLogHarness, OpenedEventLog } from './event-log/harness.ts';
export { eventLogConformance } from './event-log-conformance.ts';
export { memoryAnnotationStore } from './fakes/memory-annotation-store.ts';
export { jobStoreConformance } from './job-store-conformance.ts';
export { ledgerConformance } from './ledger-conformance.ts';
export { stageStoreConformance } from './stage-store-conformance.ts';
export type { OpenedState, StateHarness } from './state-harness.ts';
