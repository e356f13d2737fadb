export type { Annotator } from './annotator.ts';
export type { BooksEntry, Ledger } from './books.ts';
export type { Capabilities } from './chat-request.ts';
export { type FaultName, type FaultPlan, type FaultRate, faultNames } from './faults.ts';
export { type ReplayFiles, replayAnswers } from './replay.ts';
export { customerMessageRules } from './rules.ts';
export { type StandinOptions, type StandinTeacher, startStandinTeacher } from './server.ts';
