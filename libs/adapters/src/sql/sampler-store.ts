import { canonicalJson, type Document, type RoundEvaluation, type RoundsEnd, type SamplerStore } from '@llambert/domain';
import type { Kysely } from 'kysely';
import { putEvents } from './outbox.ts';
import type { StateTables } from './schema.ts';

/** Documents of the pool read at once: with their pairs and their JSON, each may take some MiB. */
const documentsPerPage = 20;

export function sqlSamplerStore(database: Kysely<StateTables>): SamplerStore {
  async function documentIds(table: 'drawn_sample' | 'asked_again', task: string): Promise<ReadonlySet<string>> {
    const rows = await database.selectFrom(table).select('document_id').where('task', '=', task).execute();
    return new Set(rows.map((row) => row.document_id));
  }
  return {
    async recordBacklog(task, endOffsets) {
      await database
        .insertInto('source_backlog')
        .values({ task, end_offsets: JSON.stringify(endOffsets) })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    },
    async backlog(task) {
      const row = await database.selectFrom('source_backlog').select('end_offsets').where('task', '=', task).executeTakeFirst();
      return row === undefined ? null : (JSON.parse(row.end_offsets) as number[]);
    },

    async offer(task, entries, size) {
      await database.transaction().execute(async (transaction) => {
        for (const { rank, document } of entries) {
          await transaction
            .insertInto('pool')
            .values({ task, document_id: document.id, rank, document: canonicalJson(document) })
            .onConflict((conflict) => conflict.doNothing())
            .execute();
        }
        await transaction
          .deleteFrom('pool')
          .where('task', '=', task)
          .where('rank', '>=', (select) =>
            select.selectFrom('pool').select('rank').where('task', '=', task).orderBy('rank').limit(1).offset(size),
          )
          .execute();
      });
    },
    async poolCeiling(task, size) {
      const row = await database
        .selectFrom('pool')
        .select('rank')
        .where('task', '=', task)
        .orderBy('rank')
        .limit(1)
        .offset(size - 1)
        .executeTakeFirst();
      return row?.rank ?? null;
    },
    async poolRanks(task) {
      return database.selectFrom('pool').select(['rank', 'document_id as documentId']).where('task', '=', task).orderBy('rank').execute();
    },
    async *pool(task) {
      for (let last = ''; ; ) {
        const rows = await database
          .selectFrom('pool')
          .select(['rank', 'document'])
          .where('task', '=', task)
          .where('rank', '>', last)
          .orderBy('rank')
          .limit(documentsPerPage)
          .execute();
        for (const { rank, document } of rows) yield { rank, document: JSON.parse(document) as Document };
        if (rows.length < documentsPerPage) return;
        last = rows.at(-1)!.rank;
      }
    },
    async poolDocuments(task, ids) {
      const documents = new Map<string, Document>();
      for (let from = 0; from < ids.length; from += documentsPerPage) {
        const rows = await database
          .selectFrom('pool')
          .select(['document_id', 'document'])
          .where('task', '=', task)
          .where('document_id', 'in', ids.slice(from, from + documentsPerPage))
          .execute();
        for (const row of rows) documents.set(row.document_id, JSON.parse(row.document) as Document);
      }
      return documents;
    },

    async roundsState(task) {
      const row = await database.selectFrom('rounds').selectAll().where('task', '=', task).executeTakeFirst();
      if (row === undefined) return { phase: 'collecting' };
      if (row.phase === 'closed') return { phase: 'closed', end: row.end as RoundsEnd };
      return { phase: 'open', round: row.round, drawn: row.drawn };
    },
    drawnDocumentIds: (task) => documentIds('drawn_sample', task),
    askedAgainIds: (task) => documentIds('asked_again', task),
    async openRound(opened, samples, events) {
      await database.transaction().execute(async (transaction) => {
        const state = await transaction.selectFrom('rounds').selectAll().where('task', '=', opened.task).executeTakeFirst();
        if (state !== undefined && (state.phase === 'closed' || state.round !== opened.round - 1)) return;
        if (state === undefined && opened.round !== 1) return;
        const drawn = (state?.drawn ?? 0) + samples.length;
        await transaction
          .insertInto('rounds')
          .values({ task: opened.task, phase: 'open', round: opened.round, drawn, end: null })
          .onConflict((conflict) => conflict.column('task').doUpdateSet({ round: opened.round, drawn }))
          .execute();
        for (const sample of samples) {
          await transaction
            .insertInto(sample.strategy === 'doubted' ? 'asked_again' : 'drawn_sample')
            .values({ task: opened.task, document_id: sample.document.id, round: opened.round })
            .execute();
        }
        await putEvents(transaction, events);
      });
    },
    async closeRounds(closed, events) {
      await database.transaction().execute(async (transaction) => {
        const state = await transaction.selectFrom('rounds').selectAll().where('task', '=', closed.task).executeTakeFirst();
        if (state?.phase === 'closed' || (state?.round ?? 0) !== closed.rounds) return;
        await transaction
          .insertInto('rounds')
          .values({ task: closed.task, phase: 'closed', round: closed.rounds, drawn: 0, end: closed.end })
          .onConflict((conflict) => conflict.column('task').doUpdateSet({ phase: 'closed', end: closed.end }))
          .execute();
        await putEvents(transaction, events);
      });
    },

    async recordEvaluation(evaluation) {
      const body = canonicalJson(evaluation);
      await database
        .insertInto('sampler_evaluation')
        .values({ task: evaluation.task, round: evaluation.round, body })
        .onConflict((conflict) => conflict.columns(['task', 'round']).doUpdateSet({ body }))
        .execute();
    },
    async evaluations(task) {
      const rows = await database.selectFrom('sampler_evaluation').select('body').where('task', '=', task).orderBy('round').execute();
      return rows.map((row) => JSON.parse(row.body) as RoundEvaluation);
    },
  };
}
