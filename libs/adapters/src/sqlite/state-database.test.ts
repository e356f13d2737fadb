import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jobStoreConformance, ledgerConformance, type OpenedState, type StateHarness, stageStoreConformance } from '@llambert/testing';
import { Kysely } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createStateTables, type StateTables, sqlStores } from '../sql/index.ts';
import { openDatabase, pragma } from './database.ts';
import { nodeSqliteDialect } from './kysely-dialect.ts';
import { sqliteState } from './state-database.ts';

interface SqliteStateHarness extends StateHarness {
  readonly path: string;
}

async function sqliteHarness(): Promise<SqliteStateHarness> {
  const folder = await mkdtemp(join(tmpdir(), 'llambert-state-'));
  const path = join(folder, 'state.db');
  const opened: OpenedState[] = [];
  return {
    path,
    async open() {
      const state = await sqliteState(path);
      opened.push(state);
      return state;
    },
    async destroy() {
      for (const state of opened) await state.close();
      await rm(folder, { recursive: true });
    },
  };
}

jobStoreConformance('SQLite', sqliteHarness);
ledgerConformance('SQLite', sqliteHarness);
stageStoreConformance('SQLite', sqliteHarness);

describe('SQLite: the state when it has grown', () => {
  it('finds the place of the next job and event, and what is to do, without reading what is done', async () => {
    const database = openDatabase(':memory:', { synchronous: 'normal' });
    const kysely = new Kysely<StateTables>({ dialect: nodeSqliteDialect(database, 0) });
    await createStateTables(kysely);
    const plan = (query: string) =>
      database
        .prepare(`explain query plan ${query}`)
        .all()
        .map((step) => String(step['detail']));
    expect(plan('select max(position) from job')).toEqual([expect.stringContaining('INDEX job_position')]);
    const claimable = plan(`select id from job where kind = 'a' and state = 'open' and due <= 5 order by position limit 3`);
    expect(claimable).toEqual([expect.stringContaining('INDEX job_open')]);
    const pending = plan('select id, name, key, body from outbox where body is not null order by position limit 100');
    expect(pending).toEqual([expect.stringContaining('INDEX outbox_pending')]);
    expect(plan(`update outbox set body = null where id in ('a', 'b')`)[0]).toMatch(/SEARCH outbox USING INDEX/);
    await kysely.destroy();
  });
});

/** Reserves 7 of the task's budget, 40 times, in a process of its own; says on stdout how often that was granted. */
const reserving = (path: string, process: string) => `
  import { sqliteState } from ${JSON.stringify(new URL('./state-database.ts', import.meta.url).href)};
  const state = await sqliteState(${JSON.stringify(path)});
  await state.annotation.recordBudget('task', 400);
  let granted = 0;
  for (let index = 0; index < 40; index++) {
    if (await state.annotation.reserve({ task: 'task', callId: '${process}-' + index, sampleId: 's', amount: 7 })) granted += 1;
  }
  await state.close();
  console.log(granted);
`;

async function runElsewhere(program: string): Promise<string> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [output] = await Promise.all([child.stdout.setEncoding('utf8').toArray(), once(child, 'exit')]);
  return output.join('');
}

describe('SQLite: the state among processes', () => {
  let harness: SqliteStateHarness;
  beforeEach(async () => {
    harness = await sqliteHarness();
  });
  afterEach(() => harness.destroy());

  it('is created once and holds the cap when processes open it and reserve at once', async () => {
    const outputs = await Promise.all(['one', 'two', 'three'].map((name) => runElsewhere(reserving(harness.path, name))));
    expect(outputs.map(Number).reduce((sum, granted) => sum + granted)).toBe(Math.floor(400 / 7));
    const state = await harness.open();
    expect(await state.annotation.spend('task')).toMatchObject({ reserved: 7 * Math.floor(400 / 7) });
  });

  it('waits for a lock without keeping its holder in this process from going on', async () => {
    const state = await harness.open();
    const holder = openDatabase(harness.path);
    holder.exec('begin immediate');
    const waiting = state.run.remember('key', 'value');
    setTimeout(() => holder.exec('commit'), 50);
    expect(await waiting).toBe('value');
    holder.close();
  });

  it('says which file stays locked when it has waited long enough, and works again afterwards', async () => {
    await harness.open();
    const state = await sqliteState(harness.path, { patienceMs: 20 });
    const holder = openDatabase(harness.path);
    holder.exec('begin immediate');
    await expect(state.run.remember('key', 'value')).rejects.toMatchObject({
      code: 'store_unavailable',
      retryable: true,
      facts: { file: harness.path },
    });
    await expect(state.annotation.reserve({ task: 't', callId: 'c', sampleId: 's', amount: 1 })).rejects.toMatchObject({ retryable: true });
    holder.exec('rollback');
    expect(await state.run.remember('key', 'value')).toBe('value');
    holder.close();
    await state.close();
  });

  it('tells of a full disk, not of the transaction that SQLite ended because of it', async () => {
    const database = openDatabase(harness.path);
    const kysely = new Kysely<StateTables>({ dialect: nodeSqliteDialect(database, 0) });
    await createStateTables(kysely);
    const { jobs } = sqlStores(kysely);
    database.exec(`pragma max_page_count = ${pragma(database, 'page_count') + 5}`);
    const many = Array.from({ length: 200 }, (_, index) => ({ kind: 'k', id: `${index}`, scope: 's', payload: 'x'.repeat(2000) }));
    await expect(jobs.enqueue(many)).rejects.toMatchObject({ code: 'disk_full', facts: { file: harness.path } });
    expect(await jobs.counts('k', 's')).toEqual({ waiting: 0, leased: 0, done: 0 });
    await kysely.destroy();
  });
});
