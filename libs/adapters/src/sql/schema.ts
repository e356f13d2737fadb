import { type Kysely, sql } from 'kysely';

/** The state's tables, for any SQL database. Bodies are canonical JSON; times are milliseconds since 1970; money is nano-dollars. */
export interface StateTables {
  job: {
    kind: string;
    id: string;
    scope: string;
    payload: string;
    /** Order of recording. */
    position: number;
    state: 'open' | 'done';
    /** Who holds the lease; null: nobody. */
    owner: string | null;
    token: number;
    attempt: number;
    /** When the lease runs out, or from when on an unowned job may be claimed. */
    due: number;
  };
  outbox: { position: number; id: string; name: string; key: string; body: string | null };
  source_backlog: { task: string; end_offsets: string };
  pool: { task: string; document_id: string; rank: string; document: string };
  rounds: { task: string; phase: 'open' | 'closed'; round: number; drawn: number; end: string | null };
  drawn_sample: { task: string; document_id: string; round: number };
  asked_again: { task: string; document_id: string; round: number };
  sampler_evaluation: { task: string; round: number; body: string };
  budget: {
    task: string;
    cap: number;
    settled: number;
    reserved: number;
    calls: number;
    input_tokens: number;
    output_tokens: number;
    unknown_outcomes: number;
    unknown_cost: number;
  };
  teacher_call: {
    task: string;
    call_id: string;
    sample_id: string;
    amount: number;
    outcome: 'reserved' | 'settled' | 'unmeasured' | 'unknown';
  };
  teacher_answer: { cache_key: string; answer: string };
  trainer_round: { task: string; round: number; opened: string; enqueued: number };
  trainer_sample: { sample_id: string; task: string; round: number; sample: string };
  trainer_answer: { sample_id: string; task: string; round: number; answer: string };
  trainer_gold: { task: string; document_id: string; gold: string };
  gateway_model: { task: string; digest: string; body: string };
  gateway_rounds: { task: string; closed: string };
  gateway_evaluation: { task: string; round: number; body: string };
  gateway_deployment: { task: string; model: string; pass: string };
  run_fact: { key: string; value: string };
}

/** Creates the tables that are not there. */
export async function createStateTables(database: Kysely<StateTables>): Promise<void> {
  const table = (name: keyof StateTables) => database.schema.createTable(name).ifNotExists();
  const index = (name: string) => database.schema.createIndex(name).ifNotExists();
  await table('job')
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('scope', 'text', (column) => column.notNull())
    .addColumn('payload', 'text', (column) => column.notNull())
    .addColumn('position', 'bigint', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('owner', 'text')
    .addColumn('token', 'bigint', (column) => column.notNull())
    .addColumn('attempt', 'bigint', (column) => column.notNull())
    .addColumn('due', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('job_key', ['kind', 'id'])
    .execute();
  // What is recorded next comes after the last: without this, finding that reads every job.
  await index('job_position').on('job').column('position').execute();
  await index('job_open').on('job').columns(['kind', 'position']).where(sql<boolean>`state = 'open'`).execute();
  await table('outbox')
    .addColumn('position', 'integer', (column) => column.primaryKey().autoIncrement())
    .addColumn('id', 'text', (column) => column.notNull().unique())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('key', 'text', (column) => column.notNull())
    .addColumn('body', 'text')
    .execute();
  await index('outbox_pending').on('outbox').column('position').where(sql<boolean>`body is not null`).execute();
  await keyed(database, 'source_backlog', ['task'], { end_offsets: 'text' });
  await keyed(database, 'pool', ['task', 'document_id'], { rank: 'text', document: 'text' });
  await index('pool_rank').on('pool').columns(['task', 'rank']).execute();
  await keyed(database, 'drawn_sample', ['task', 'document_id'], { round: 'bigint' });
  await keyed(database, 'asked_again', ['task', 'document_id'], { round: 'bigint' });
  await keyed(database, 'sampler_evaluation', ['task', 'round'], { body: 'text' });
  await table('rounds')
    .addColumn('task', 'text', (column) => column.primaryKey())
    .addColumn('phase', 'text', (column) => column.notNull())
    .addColumn('round', 'bigint', (column) => column.notNull())
    .addColumn('drawn', 'bigint', (column) => column.notNull())
    .addColumn('end', 'text')
    .execute();
  await keyed(database, 'budget', ['task'], {
    cap: 'bigint',
    settled: 'bigint',
    reserved: 'bigint',
    calls: 'bigint',
    input_tokens: 'bigint',
    output_tokens: 'bigint',
    unknown_outcomes: 'bigint',
    unknown_cost: 'bigint',
  });
  await keyed(database, 'teacher_call', ['task', 'call_id'], { sample_id: 'text', amount: 'bigint', outcome: 'text' });
  await index('teacher_call_open').on('teacher_call').columns(['task', 'sample_id']).where(sql<boolean>`outcome = 'reserved'`).execute();
  await index('teacher_call_unmeasured').on('teacher_call').column('task').where(sql<boolean>`outcome = 'unmeasured'`).execute();
  await keyed(database, 'teacher_answer', ['cache_key'], { answer: 'text' });
  await keyed(database, 'trainer_round', ['task', 'round'], { opened: 'text', enqueued: 'bigint' });
  await keyed(database, 'trainer_sample', ['sample_id'], { task: 'text', round: 'bigint', sample: 'text' });
  await index('trainer_sample_round').on('trainer_sample').columns(['task', 'round']).execute();
  await keyed(database, 'trainer_answer', ['sample_id'], { task: 'text', round: 'bigint', answer: 'text' });
  await index('trainer_answer_round').on('trainer_answer').columns(['task', 'round']).execute();
  await keyed(database, 'trainer_gold', ['task', 'document_id'], { gold: 'text' });
  await keyed(database, 'gateway_model', ['task', 'digest'], { body: 'text' });
  await keyed(database, 'gateway_rounds', ['task'], { closed: 'text' });
  await keyed(database, 'gateway_evaluation', ['task', 'round'], { body: 'text' });
  await keyed(database, 'gateway_deployment', ['task'], { model: 'text', pass: 'text' });
  await keyed(database, 'run_fact', ['key'], { value: 'text' });
}

/** A table of not-null columns with a primary key; a key column named `round` is a number, any other is text. */
async function keyed(
  database: Kysely<StateTables>,
  name: keyof StateTables,
  key: readonly string[],
  columns: Readonly<Record<string, 'text' | 'bigint'>>,
): Promise<void> {
  let builder = database.schema.createTable(name).ifNotExists();
  for (const column of key)
    builder = builder.addColumn(column, column === 'round' ? 'bigint' : 'text', (definition) => definition.notNull());
  for (const [column, type] of Object.entries(columns)) builder = builder.addColumn(column, type, (definition) => definition.notNull());
  await builder.addPrimaryKeyConstraint(`${name}_key`, key as never).execute();
}
