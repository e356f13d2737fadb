import { DatabaseSync } from 'node:sqlite';
import { LlambertError } from '@llambert/domain';
import { isBusy, sqliteError } from './sqlite-error.ts';

/** "LlmB": tells our files from other programs' SQLite files. */
const applicationId = 0x4c6c6d42;

/** Layout of the file as a whole. Each component creates its own tables; a change to existing ones is a step in `migrations`. */
const migrations: readonly string[] = [];
const currentVersion = 1 + migrations.length;

/** How long a statement waits, blocking this process, for another process's transaction before `store_unavailable`. */
export const busyTimeoutMs = 10_000;

/**
 * Opens a database file, creating it where it is not there: WAL (a reader never waits), synchronous NORMAL (a killed process loses
 * nothing; a power cut may lose the last transactions, never half of one) unless FULL is asked for (nor does a power cut), pages given back by `incremental_vacuum`. Throws
 * `invalid_input` for a file that is not ours and `conflict` for one of a newer version.
 */
export function openDatabase(path: string, { synchronous = 'normal' }: { synchronous?: 'normal' | 'full' } = {}): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: busyTimeoutMs });
    checkOwnership(database, path);
    // Only a file without tables takes this setting, so it comes first.
    database.exec('pragma auto_vacuum = incremental');
    enterWal(database);
    // The write-ahead log is cut to this many bytes once its contents are in the file.
    database.exec(`pragma synchronous = ${synchronous}; pragma foreign_keys = on; pragma journal_size_limit = 16777216`);
    migrate(database, path);
    return database;
  } catch (error) {
    database?.close();
    throw sqliteError(error, path);
  }
}

/** Runs `work` with SQLite's errors as LlambertErrors that name the file. */
export function onDatabase<T>(database: DatabaseSync, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw sqliteError(error, fileOf(database));
  }
}

/** Runs `work` (synchronous: nothing else may use the connection meanwhile) in one transaction that is there wholly or not at all. */
export function inTransaction<T>(database: DatabaseSync, work: () => T): T {
  return onDatabase(database, () => {
    database.exec('begin immediate');
    try {
      const result = work();
      database.exec('commit');
      return result;
    } catch (error) {
      // SQLite ends a transaction itself where the disk is full.
      if (database.isOpen && database.isTransaction) database.exec('rollback');
      throw error;
    }
  });
}

/** What to call a database in messages. */
export function fileOf(database: DatabaseSync): string {
  return (database.isOpen ? database.location() : null) ?? 'the database';
}

/** A pragma's number. */
export function pragma(database: DatabaseSync, name: string): number {
  const row = database.prepare(`pragma ${name}`).get() ?? {};
  return Number(Object.values(row)[0]);
}

/** Throws `invalid_input` for a file that another program made. */
export function checkOwnership(database: DatabaseSync, path: string): void {
  const tables = database.prepare('select count(*) as tables from sqlite_schema').get() as { tables: number };
  if (tables.tables > 0 && pragma(database, 'application_id') !== applicationId) {
    throw new LlambertError('invalid_input', `the file ${path} is another program's database: name another place`, {
      facts: { file: path },
    });
  }
}

/** SQLite's own waiting does not cover the change to WAL, which two processes that open a new file at once may both attempt. */
function enterWal(database: DatabaseSync): void {
  const deadline = Date.now() + busyTimeoutMs;
  while (true) {
    try {
      database.exec('pragma journal_mode = wal');
      return;
    } catch (error) {
      if (!isBusy(error) || Date.now() > deadline) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
}

function migrate(database: DatabaseSync, path: string): void {
  if (pragma(database, 'user_version') === currentVersion) return;
  inTransaction(database, () => {
    const version = checkVersion(database, path);
    for (const step of migrations.slice(Math.max(0, version - 1))) database.exec(step);
    database.exec(`pragma application_id = ${applicationId}; pragma user_version = ${currentVersion}`);
  });
}

/** The file's version; throws `conflict` for a newer one than is known here. */
export function checkVersion(database: DatabaseSync, path: string): number {
  const version = pragma(database, 'user_version');
  if (version <= currentVersion) return version;
  throw new LlambertError(
    'conflict',
    `the file ${path} was written by a newer LlamBERT (its version ${version}, known ${currentVersion}): use that one`,
    { facts: { file: path, version } },
  );
}
