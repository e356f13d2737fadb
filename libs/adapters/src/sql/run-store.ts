import type { RunStore } from '@llambert/domain';
import type { Kysely } from 'kysely';
import type { StateTables } from './schema.ts';

export function sqlRunStore(database: Kysely<StateTables>): RunStore {
  const recall = async (key: string) => {
    const row = await database.selectFrom('run_fact').select('value').where('key', '=', key).executeTakeFirst();
    return row?.value ?? null;
  };
  return {
    recall,
    async remember(key, value) {
      await database
        .insertInto('run_fact')
        .values({ key, value })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      return (await recall(key))!;
    },
    async replace(key, value) {
      await database
        .insertInto('run_fact')
        .values({ key, value })
        .onConflict((conflict) => conflict.column('key').doUpdateSet({ value }))
        .execute();
    },
  };
}
