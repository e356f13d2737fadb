import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { LlambertError } from '@llambert/domain';
import { isBusy, sqliteError } from './sqlite-error.ts';

/** A lock ends when its database is collected as garbage, so somebody must know it. */
const held = new Set<DatabaseSync>();

/**
 * Holds a file (created where it is not there, otherwise left empty) against everyone else until released or until this process ends,
 * however it ends: the lock is the operating system's, taken by an exclusive transaction. Throws `busy` with the given message at once
 * where it is held.
 */
export function holdLock(path: string, message: string): { release(): void } {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: 0 });
    database.exec('begin exclusive');
    // Its last holder may have removed the file between its opening and its locking: others would hold another one.
    if (!existsSync(path)) throw new LlambertError('busy', message, { facts: { file: path } });
  } catch (error) {
    database?.close();
    throw isBusy(error) ? new LlambertError('busy', message, { cause: error, facts: { file: path } }) : sqliteError(error, path);
  }
  const lock = database;
  held.add(lock);
  return {
    release() {
      if (held.delete(lock)) lock.close();
    },
  };
}
