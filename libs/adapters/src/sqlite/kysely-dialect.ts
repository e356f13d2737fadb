import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { fileOf, onDatabase } from './database.ts';
import { isBusy, sqliteError } from './sqlite-error.ts';

/** Rest between two tries for a lock. Not SQLite's own waiting: that would keep the event loop from whoever holds the lock in this process. */
const restMs = { min: 1, max: 25 };

/** Statements that are kept prepared: more than the stores have; inserts differ by their number of rows. */
const keptStatements = 200;

/**
 * node:sqlite for Kysely. Statements are synchronous, but a transaction lasts over several turns of the event loop, and others may want the
 * file meanwhile, in this process or elsewhere: they try again for up to `patienceMs`, then throw `store_unavailable`.
 */
export function nodeSqliteDialect(database: DatabaseSync, patienceMs: number): Dialect {
  database.exec('pragma busy_timeout = 0');
  return {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => driver(database, patienceMs),
    createIntrospector: (kysely) => new SqliteIntrospector(kysely),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

function driver(database: DatabaseSync, patienceMs: number): Driver {
  const prepared = statementCache(database);

  async function execute<Row>(sql: string, parameters: readonly unknown[] = []): Promise<QueryResult<Row>> {
    for (let waited = 0, rest = restMs.min; ; waited += rest, rest = Math.min(restMs.max, rest * 1.5)) {
      try {
        const { statement, hasRows } = prepared(sql);
        const values = parameters as SQLInputValue[];
        if (hasRows) return { rows: statement.all(...values) as Row[] };
        return { rows: [], numAffectedRows: BigInt(statement.run(...values).changes) };
      } catch (error) {
        if (!isBusy(error) || waited >= patienceMs) throw sqliteError(error, fileOf(database));
        await sleep(rest * (0.5 + Math.random()));
      }
    }
  }

  const connection: DatabaseConnection = {
    executeQuery: <Row>({ sql, parameters }: CompiledQuery) => execute<Row>(sql, parameters),
    streamQuery() {
      throw new RangeError('not streamed: the only connection would be taken for as long as the reader likes. Read in pages');
    },
  };
  return {
    init: async () => undefined,
    acquireConnection: async () => connection,
    releaseConnection: async () => undefined,
    async beginTransaction() {
      // One that begins by reading could not be turned into a writing one after another process wrote.
      await execute('begin immediate');
    },
    async commitTransaction() {
      await execute('commit');
    },
    async rollbackTransaction() {
      // SQLite ends a transaction itself where the disk is full.
      if (database.isTransaction) await execute('rollback');
    },
    destroy: async () => onDatabase(database, () => database.close()),
  };
}

function statementCache(database: DatabaseSync): (sql: string) => { statement: StatementSync; hasRows: boolean } {
  const kept = new Map<string, { statement: StatementSync; hasRows: boolean }>();
  return (sql) => {
    const known = kept.get(sql);
    if (known !== undefined) return known;
    const statement = database.prepare(sql);
    const entry = { statement, hasRows: statement.columns().length > 0 };
    if (kept.size >= keptStatements) kept.delete(kept.keys().next().value!);
    kept.set(sql, entry);
    return entry;
  };
}
