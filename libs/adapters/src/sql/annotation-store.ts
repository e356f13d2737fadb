import { type AnnotationStore, canonicalJson, LlambertError, type TeacherAnswer } from '@llambert/domain';
import type { Kysely, Transaction } from 'kysely';
import type { StateTables } from './schema.ts';

const callsPerPage = 500;

export function sqlAnnotationStore(database: Kysely<StateTables>): AnnotationStore {
  return {
    async recordBudget(task, cap) {
      await database
        .insertInto('budget')
        .values({ task, cap, settled: 0, reserved: 0, calls: 0, input_tokens: 0, output_tokens: 0, unknown_outcomes: 0, unknown_cost: 0 })
        .onConflict((conflict) => conflict.column('task').doUpdateSet({ cap }))
        .execute();
    },

    async reserve({ task, callId, sampleId, amount }) {
      return database.transaction().execute(async (transaction) => {
        const { numUpdatedRows } = await transaction
          .updateTable('budget')
          .set((set) => ({ reserved: set('reserved', '+', amount) }))
          .where('task', '=', task)
          .where((where) => where(where('settled', '+', where(where.ref('reserved'), '+', where.val(amount))), '<=', where.ref('cap')))
          .executeTakeFirstOrThrow();
        if (numUpdatedRows === 0n) return false;
        await transaction
          .insertInto('teacher_call')
          .values({ task, call_id: callId, sample_id: sampleId, amount, outcome: 'reserved' })
          .execute();
        return true;
      });
    },

    async settle({ task, callId, price, inputTokens, outputTokens, answer }) {
      await database.transaction().execute(async (transaction) => {
        const reserved = await endReservation(transaction, task, callId, answer?.answer.usage === null ? 'unmeasured' : 'settled', price);
        if (reserved !== null) {
          await transaction
            .updateTable('budget')
            .set((set) => ({
              reserved: set('reserved', '-', reserved),
              settled: set('settled', '+', price),
              calls: set('calls', '+', answer === null && price === 0 ? 0 : 1),
              input_tokens: set('input_tokens', '+', inputTokens),
              output_tokens: set('output_tokens', '+', outputTokens),
            }))
            .where('task', '=', task)
            .execute();
        }
        if (answer === null) return;
        await transaction
          .insertInto('teacher_answer')
          .values({ cache_key: answer.cacheKey, answer: canonicalJson(answer.answer) })
          .onConflict((conflict) => conflict.doNothing())
          .execute();
      });
    },

    async settleUnknown({ task, callId }) {
      await database.transaction().execute((transaction) => settleUnknown(transaction, task, callId));
    },

    async settleAbandoned(task, sampleId) {
      return database.transaction().execute(async (transaction) => {
        const ofTask = transaction.selectFrom('teacher_call').select('call_id').where('task', '=', task).where('outcome', '=', 'reserved');
        const open = await (sampleId === null ? ofTask : ofTask.where('sample_id', '=', sampleId)).execute();
        for (const call of open) await settleUnknown(transaction, task, call.call_id);
        return open.length;
      });
    },

    async cachedAnswer(cacheKey) {
      const row = await database.selectFrom('teacher_answer').select('answer').where('cache_key', '=', cacheKey).executeTakeFirst();
      return row === undefined ? null : (JSON.parse(row.answer) as TeacherAnswer);
    },

    async spend(task) {
      const row = await database.selectFrom('budget').selectAll().where('task', '=', task).executeTakeFirst();
      if (row === undefined) throw new LlambertError('not_found', `the task ${task} has no budget yet: annotate it first`);
      const unmeasured = await database
        .selectFrom('teacher_call')
        .select(({ fn }) => [fn.countAll<number | bigint>().as('calls'), fn.sum<number | bigint | null>('amount').as('cost')])
        .where('task', '=', task)
        .where('outcome', '=', 'unmeasured')
        .executeTakeFirstOrThrow();
      return {
        cap: row.cap,
        settled: row.settled,
        reserved: row.reserved,
        calls: row.calls,
        inputTokens: row.input_tokens,
        outputTokens: row.output_tokens,
        unknownOutcomes: row.unknown_outcomes,
        unknownCost: row.unknown_cost,
        unmeasuredCalls: Number(unmeasured.calls),
        unmeasuredCost: Number(unmeasured.cost ?? 0),
      };
    },

    async *calls(task) {
      // In pages, so that the reader may use the state meanwhile, and takes as long as it likes.
      for (let last = ''; ; ) {
        const rows = await database
          .selectFrom('teacher_call')
          .selectAll()
          .where('task', '=', task)
          .where('call_id', '>', last)
          .orderBy('call_id')
          .limit(callsPerPage)
          .execute();
        for (const row of rows) yield { callId: row.call_id, sampleId: row.sample_id, price: row.amount, outcome: row.outcome };
        if (rows.length < callsPerPage) return;
        last = rows.at(-1)!.call_id;
      }
    },
  };
}

/** Ends a call's reservation at a price; the amount that was reserved, or null where the call was settled before. */
async function endReservation(
  transaction: Transaction<StateTables>,
  task: string,
  callId: string,
  outcome: 'settled' | 'unmeasured' | 'unknown',
  price: number | null,
): Promise<number | null> {
  const call = await transaction
    .selectFrom('teacher_call')
    .select('amount')
    .where('task', '=', task)
    .where('call_id', '=', callId)
    .where('outcome', '=', 'reserved')
    .executeTakeFirst();
  if (call === undefined) return null;
  await transaction
    .updateTable('teacher_call')
    .set({ outcome, amount: price ?? call.amount })
    .where('task', '=', task)
    .where('call_id', '=', callId)
    .execute();
  return call.amount;
}

async function settleUnknown(transaction: Transaction<StateTables>, task: string, callId: string): Promise<void> {
  const reserved = await endReservation(transaction, task, callId, 'unknown', null);
  if (reserved === null) return;
  await transaction
    .updateTable('budget')
    .set((set) => ({
      reserved: set('reserved', '-', reserved),
      settled: set('settled', '+', reserved),
      calls: set('calls', '+', 1),
      unknown_outcomes: set('unknown_outcomes', '+', 1),
      unknown_cost: set('unknown_cost', '+', reserved),
    }))
    .where('task', '=', task)
    .execute();
}
