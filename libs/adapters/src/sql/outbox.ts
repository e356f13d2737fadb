import { canonicalJson, type Event, type Outbox } from '@llambert/domain';
import type { Kysely, Transaction } from 'kysely';
import type { StateTables } from './schema.ts';

/** Rows in one insert: SQL databases bound the parameters of a statement. */
const rowsPerInsert = 500;

/** Puts events in the outbox within a transaction of the state they tell of; known ids are left alone, sent ones too. */
export async function putEvents(transaction: Transaction<StateTables>, events: readonly Event[]): Promise<void> {
  for (let start = 0; start < events.length; start += rowsPerInsert) {
    const rows = events
      .slice(start, start + rowsPerInsert)
      .map(({ id, name, key, body }) => ({ id, name, key, body: canonicalJson(body) }));
    await transaction
      .insertInto('outbox')
      // The position is the database's to give.
      .values(rows as never)
      .onConflict((conflict) => conflict.column('id').doNothing())
      .execute();
  }
}

export function sqlOutbox(database: Kysely<StateTables>): Outbox {
  return {
    async pendingEvents(limit) {
      const rows = await database
        .selectFrom('outbox')
        .select(['id', 'name', 'key', 'body'])
        .where('body', 'is not', null)
        .orderBy('position')
        .limit(limit)
        .execute();
      return rows.map((row) => ({ ...row, body: JSON.parse(row.body!) }) as Event);
    },
    async markSent(ids) {
      // The id stays, so that the same event is not put again; what it said is no longer needed.
      for (let start = 0; start < ids.length; start += rowsPerInsert) {
        await database
          .updateTable('outbox')
          .set({ body: null })
          .where('id', 'in', ids.slice(start, start + rowsPerInsert))
          .execute();
      }
    },
  };
}
