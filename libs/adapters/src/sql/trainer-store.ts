import { type Answer, canonicalJson, type Gold, type RoundOpened, type Sample, type TrainerStore } from '@llambert/domain';
import type { Kysely } from 'kysely';
import type { StateTables } from './schema.ts';

export function sqlTrainerStore(database: Kysely<StateTables>): TrainerStore {
  return {
    async recordRounds(rounds) {
      for (const opened of rounds) {
        await database
          .insertInto('trainer_round')
          .values({ task: opened.task, round: opened.round, opened: canonicalJson(opened), enqueued: 0 })
          .onConflict((conflict) => conflict.doNothing())
          .execute();
      }
    },
    async recordSamples(samples) {
      await database.transaction().execute(async (transaction) => {
        for (const sample of samples) {
          await transaction
            .insertInto('trainer_sample')
            .values({ sample_id: sample.id, task: sample.task, round: sample.round, sample: canonicalJson(sample) })
            .onConflict((conflict) => conflict.doNothing())
            .execute();
        }
      });
    },
    async recordAnswers(answers) {
      await database.transaction().execute(async (transaction) => {
        for (const answer of answers) {
          await transaction
            .insertInto('trainer_answer')
            .values({ sample_id: answer.sampleId, task: answer.task, round: answer.round, answer: canonicalJson(answer) })
            .onConflict((conflict) => conflict.doNothing())
            .execute();
        }
      });
    },
    async recordGold(gold) {
      await database.transaction().execute(async (transaction) => {
        for (const item of gold) {
          const body = canonicalJson(item);
          await transaction
            .insertInto('trainer_gold')
            .values({ task: item.task, document_id: item.document.id, gold: body })
            .onConflict((conflict) => conflict.columns(['task', 'document_id']).doUpdateSet({ gold: body }))
            .execute();
        }
      });
    },

    async round(task, round) {
      const row = await database
        .selectFrom('trainer_round')
        .select('opened')
        .where('task', '=', task)
        .where('round', '=', round)
        .executeTakeFirst();
      if (row === undefined) return null;
      const count = async (table: 'trainer_sample' | 'trainer_answer') => {
        const counted = await database
          .selectFrom(table)
          .select((select) => select.fn.countAll<number>().as('rows'))
          .where('task', '=', task)
          .where('round', '=', round)
          .executeTakeFirstOrThrow();
        return Number(counted.rows);
      };
      return {
        opened: JSON.parse(row.opened) as RoundOpened,
        samples: await count('trainer_sample'),
        answers: await count('trainer_answer'),
      };
    },
    async roundsToTrain(task) {
      const rows = await database
        .selectFrom('trainer_round')
        .select('opened')
        .where('task', '=', task)
        .where('enqueued', '=', 0)
        .orderBy('round')
        .execute();
      return rows.map((row) => JSON.parse(row.opened) as RoundOpened);
    },
    async markEnqueued(task, round) {
      await database.updateTable('trainer_round').set({ enqueued: 1 }).where('task', '=', task).where('round', '=', round).execute();
    },
    async answeredSamples(task, round) {
      const rows = await database
        .selectFrom('trainer_sample')
        .innerJoin('trainer_answer', 'trainer_answer.sample_id', 'trainer_sample.sample_id')
        .select(['trainer_sample.sample', 'trainer_answer.answer'])
        .where('trainer_sample.task', '=', task)
        .where('trainer_sample.round', '<=', round)
        .orderBy('trainer_sample.sample_id')
        .execute();
      return rows.map(({ sample, answer }) => ({ sample: JSON.parse(sample) as Sample, answer: JSON.parse(answer) as Answer }));
    },
    async gold(task) {
      const rows = await database.selectFrom('trainer_gold').select('gold').where('task', '=', task).orderBy('document_id').execute();
      return rows.map((row) => JSON.parse(row.gold) as Gold);
    },
  };
}
