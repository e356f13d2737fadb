import { canonicalJson, type GatewayStore, type ModelReleased, type RoundEvaluation, type RoundsClosed } from '@llambert/domain';
import type { Kysely } from 'kysely';
import { putEvents } from './outbox.ts';
import type { StateTables } from './schema.ts';

export function sqlGatewayStore(database: Kysely<StateTables>): GatewayStore {
  return {
    async recordModel(model) {
      await database
        .insertInto('gateway_model')
        .values({ task: model.task, digest: model.digest, body: canonicalJson(model) })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    },
    async models(task) {
      const rows = await database.selectFrom('gateway_model').select('body').where('task', '=', task).orderBy('digest').execute();
      return rows.map((row) => JSON.parse(row.body) as ModelReleased);
    },
    async recordRoundsClosed(closed) {
      await database
        .insertInto('gateway_rounds')
        .values({ task: closed.task, closed: canonicalJson(closed) })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    },
    async roundsClosed(task) {
      const row = await database.selectFrom('gateway_rounds').select('closed').where('task', '=', task).executeTakeFirst();
      return row === undefined ? null : (JSON.parse(row.closed) as RoundsClosed);
    },
    async recordEvaluation(evaluation) {
      const body = canonicalJson(evaluation);
      await database
        .insertInto('gateway_evaluation')
        .values({ task: evaluation.task, round: evaluation.round, body })
        .onConflict((conflict) => conflict.columns(['task', 'round']).doUpdateSet({ body }))
        .execute();
    },
    async evaluations(task) {
      const rows = await database.selectFrom('gateway_evaluation').select('body').where('task', '=', task).orderBy('round').execute();
      return rows.map((row) => JSON.parse(row.body) as RoundEvaluation);
    },
    async deploy(change, pass, events) {
      await database.transaction().execute(async (transaction) => {
        const { numInsertedOrUpdatedRows } = await transaction
          .insertInto('gateway_deployment')
          .values({ task: change.task, model: change.model, pass: pass.pass })
          .onConflict((conflict) => conflict.doNothing())
          .executeTakeFirstOrThrow();
        if (numInsertedOrUpdatedRows === 1n) await putEvents(transaction, events);
      });
    },
    async deployment(task) {
      const row = await database.selectFrom('gateway_deployment').select(['model', 'pass']).where('task', '=', task).executeTakeFirst();
      return row ?? null;
    },
  };
}
