import { existsSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { LlambertError } from '@llambert/domain';
import { busyTimeoutMs, checkOwnership, checkVersion } from './database.ts';
import { sqliteError } from './sqlite-error.ts';

/** A database that is only looked into. */
export interface DatabaseToRead {
  readonly database: DatabaseSync;
  /** Throws `busy` where somebody began to write while the file was taken for one that nobody writes to: what was read may be torn. */
  expectUnchanged(): void;
}

/**
 * Opens a database file to look into it: nothing is written, nothing created beside it, and its folder may be one that cannot be written
 * to. Others may be writing to it meanwhile. `table`: the one that is created last; without it there is nothing to read yet.
 *
 * Throws `not_found` for a file with nothing in it yet, `invalid_input` for one that is not ours or cannot be read where it is, `conflict`
 * for one of a newer version.
 */
export function openDatabaseToRead(path: string, table: string): DatabaseToRead {
  let database: DatabaseSync | undefined;
  try {
    const before = stampOf(path);
    // SQLite reads a WAL database only beside its -wal and -shm files, and makes them where they are not there. Without a log the file is
    // whole and nobody has it open, and SQLite may be told so: https://www.sqlite.org/wal.html#read_only_databases
    const alone = !hasLog(path);
    database = new DatabaseSync(alone ? `${pathToFileURL(path).href}?immutable=1` : path, { readOnly: true, timeout: busyTimeoutMs });
    checkOwnership(database, path);
    checkVersion(database, path);
    if (database.prepare('select 1 from sqlite_schema where name = ?').get(table) === undefined) {
      throw new LlambertError('not_found', `there is nothing in ${path} yet: a run that is beginning fills it`, { facts: { file: path } });
    }
    const expectUnchanged = () => {
      if (alone && stampOf(path) !== before) {
        throw new LlambertError('busy', `a run began to work on ${path} while it was read: try again`, { facts: { file: path } });
      }
    };
    return { database, expectUnchanged };
  } catch (error) {
    database?.close();
    if (existsSync(`${path}-wal`) && !existsSync(`${path}-shm`)) throw unreadableLog(path, error);
    throw sqliteError(error, path);
  }
}

/** Whether a process has the database open, or was killed and left what is not in the file yet. */
function hasLog(path: string): boolean {
  const log = statSync(`${path}-wal`, { throwIfNoEntry: false });
  return log !== undefined && (log.size > 0 || existsSync(`${path}-shm`));
}

/** Changes when the file is written to. */
function stampOf(path: string): string {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? '' : `${found.ino} ${found.size} ${found.mtimeNs}`;
}

function unreadableLog(path: string, cause: unknown): LlambertError {
  return new LlambertError(
    'invalid_input',
    `${path} cannot be read where it is: a part of it is still in ${path}-wal, and its folder may not be written to. Copy the folder to a place of your own and look there`,
    { cause, facts: { file: path } },
  );
}
