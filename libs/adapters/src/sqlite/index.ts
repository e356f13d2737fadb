export { openDatabase } from './database.ts';
export { sqliteEventLog, sqliteEventLogToRead } from './event-log.ts';
export { holdLock } from './lock.ts';
export { sqliteState, sqliteStateToRead } from './state-database.ts';
