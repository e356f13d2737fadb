export { openDatabase } from './database.ts';
export { sqliteEventLog } from './event-log.ts';
export { holdLock } from './lock.ts';
export { sqliteState } from './state-database.ts';
