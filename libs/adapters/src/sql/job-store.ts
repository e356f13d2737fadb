import { type JobStore, type Lease, LlambertError } from '@llambert/domain';
import type { Kysely, Transaction, UpdateQueryBuilder, UpdateResult } from 'kysely';
import { putEvents } from './outbox.ts';
import type { StateTables } from './schema.ts';

export function sqlJobStore(database: Kysely<StateTables>): JobStore {
  return {
    async enqueue(jobs) {
      await database.transaction().execute(async (transaction) => {
        const last = await transaction
          .selectFrom('job')
          .select((select) => select.fn.max('position').as('position'))
          .executeTakeFirst();
        let position = Number(last?.position ?? 0);
        for (const job of jobs) {
          position += 1;
          await transaction
            .insertInto('job')
            .values({ ...job, position, state: 'open', owner: null, token: 0, attempt: 0, due: 0 })
            .onConflict((conflict) => conflict.columns(['kind', 'id']).doNothing())
            .execute();
        }
      });
    },

    async claim({ kind, owner, limit, leaseMs, now }) {
      if (limit <= 0) return [];
      const claimed = await database
        .updateTable('job')
        .set((set) => ({ owner, token: set('token', '+', 1), attempt: set('attempt', '+', 1), due: now + leaseMs }))
        .where('kind', '=', kind)
        .where('id', 'in', (select) =>
          select
            .selectFrom('job')
            .select('id')
            .where('kind', '=', kind)
            .where('state', '=', 'open')
            .where('due', '<=', now)
            .orderBy('position')
            .limit(limit),
        )
        .returning(['kind', 'id', 'scope', 'payload', 'token', 'attempt', 'position'])
        .execute();
      return claimed.sort((left, right) => left.position - right.position).map(({ position: _, ...lease }) => lease);
    },

    async heartbeat(lease, leaseMs, now) {
      await expectHeld(lease, held(database, lease).set({ due: now + leaseMs }));
    },

    async complete(lease, events) {
      await database.transaction().execute(async (transaction) => {
        await expectHeld(lease, held(transaction, lease).set({ state: 'done', owner: null, payload: '' }));
        await putEvents(transaction, events);
      });
    },

    async release(lease, notBefore) {
      await expectHeld(lease, held(database, lease).set({ owner: null, due: notBefore }));
    },

    async relinquish(kind, owner) {
      await database
        .updateTable('job')
        .set({ owner: null, due: 0 })
        .where('kind', '=', kind)
        .where('owner', '=', owner)
        .where('state', '=', 'open')
        .execute();
    },

    async nextDue(kind) {
      const next = await database
        .selectFrom('job')
        .select((select) => select.fn.min('due').as('due'))
        .where('kind', '=', kind)
        .where('state', '=', 'open')
        .executeTakeFirst();
      return next?.due ?? null;
    },

    async counts(kind, scope) {
      const rows = await database
        .selectFrom('job')
        .select((select) => ['state', 'owner', select.fn.countAll<number>().as('jobs')] as const)
        .where('kind', '=', kind)
        .where('scope', '=', scope)
        .groupBy(['state', (group) => group.ref('owner')])
        .execute();
      const sum = (matches: (row: (typeof rows)[number]) => boolean) =>
        rows.filter(matches).reduce((total, row) => total + Number(row.jobs), 0);
      return {
        waiting: sum((row) => row.state === 'open' && row.owner === null),
        leased: sum((row) => row.state === 'open' && row.owner !== null),
        done: sum((row) => row.state === 'done'),
      };
    },
  };
}

type JobUpdate = UpdateQueryBuilder<StateTables, 'job', 'job', UpdateResult>;

/** An update of the job for as long as the lease is the newest. */
function held(database: Kysely<StateTables> | Transaction<StateTables>, lease: Lease): JobUpdate {
  return database
    .updateTable('job')
    .where('kind', '=', lease.kind)
    .where('id', '=', lease.id)
    .where('token', '=', lease.token)
    .where('owner', 'is not', null)
    .where('state', '=', 'open');
}

async function expectHeld(lease: Lease, update: JobUpdate): Promise<void> {
  const { numUpdatedRows } = await update.executeTakeFirstOrThrow();
  if (numUpdatedRows === 1n) return;
  throw new LlambertError('stale_lease', `the job ${lease.kind}/${lease.id} has another owner by now`, {
    facts: { kind: lease.kind, id: lease.id, token: lease.token },
  });
}
