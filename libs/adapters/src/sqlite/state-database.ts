import { Kysely } from 'kysely';
import { createStateTables, type StateStores, type StateTables, sqlStores } from '../sql/index.ts';
import { busyTimeoutMs, openDatabase } from './database.ts';
import { nodeSqliteDialect } from './kysely-dialect.ts';
import { openDatabaseToRead } from './read-database.ts';

/**
 * Opens the state in a SQLite file (created with its tables where it is not there). The event log has a file of its own: the two are
 * never in one transaction, as in the cluster, where they are different systems.
 *
 * @param synchronous `full`: what was committed survives a power cut, at the price of waiting for the disk; see `openDatabase`
 * @param patienceMs how long a statement waits for another connection's transaction before it throws `store_unavailable`
 */
export async function sqliteState(
  path: string,
  { patienceMs = busyTimeoutMs, synchronous = 'normal' }: { patienceMs?: number; synchronous?: 'normal' | 'full' } = {},
): Promise<StateStores & { close(): Promise<void> }> {
  const database = openDatabase(path, { synchronous });
  try {
    const kysely = new Kysely<StateTables>({ dialect: nodeSqliteDialect(database, patienceMs) });
    await createStateTables(kysely);
    return { ...sqlStores(kysely), close: () => kysely.destroy() };
  } catch (error) {
    if (database.isOpen) database.close();
    throw error;
  }
}

/** Opens the state of a SQLite file to look into it; see `openDatabaseToRead`. Its stores' methods that record something throw `invalid_input`. */
export function sqliteStateToRead(path: string): StateStores & { expectUnchanged(): void; close(): Promise<void> } {
  // The last of the tables that `createStateTables` creates.
  const { database, expectUnchanged } = openDatabaseToRead(path, 'run_fact');
  const kysely = new Kysely<StateTables>({ dialect: nodeSqliteDialect(database, busyTimeoutMs) });
  return { ...sqlStores(kysely), expectUnchanged, close: () => kysely.destroy() };
}
