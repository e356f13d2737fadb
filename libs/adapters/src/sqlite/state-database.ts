import { Kysely } from 'kysely';
import { createStateTables, type StateStores, type StateTables, sqlStores } from '../sql/index.ts';
import { openDatabase } from './database.ts';
import { nodeSqliteDialect } from './kysely-dialect.ts';

/**
 * Opens the state in a SQLite file (created with its tables where it is not there). The event log has a file of its own: the two are
 * never in one transaction, as in the cluster, where they are different systems.
 *
 * @param synchronous `full`: what was committed survives a power cut, at the price of waiting for the disk; see `openDatabase`
 * @param patienceMs how long a statement waits for another connection's transaction before it throws `store_unavailable`
 */
export async function sqliteState(
  path: string,
  { patienceMs = 10_000, synchronous = 'normal' }: { patienceMs?: number; synchronous?: 'normal' | 'full' } = {},
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
