import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from './database.ts';
import { openEventLog } from './event-log.fixture.ts';
import { sqliteEventLogToRead } from './event-log.ts';
import { openDatabaseToRead } from './read-database.ts';
import { sqliteState, sqliteStateToRead } from './state-database.ts';

let folder: string;
let path: string;
const root = process.geteuid?.() === 0;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'llambert-read-'));
  path = join(folder, 'state.db');
});
afterEach(() => {
  if (root) process.seteuid!(0);
  chmodSync(folder, 0o755);
  rmSync(folder, { recursive: true });
});

/** From here on the folder can only be read. Its permissions mean nothing to root, so root becomes nobody. */
function mayOnlyRead(): void {
  chmodSync(folder, 0o555);
  if (root) process.seteuid!(65534);
}

async function writeState(): Promise<void> {
  const state = await sqliteState(path);
  await state.run.remember('fact', 'known');
  await state.close();
}

/** Leaves a state as a process that was killed leaves it: what it wrote is in the write-ahead log only. */
function writeStateAndDie(): void {
  const program = `
    import { sqliteState } from ${JSON.stringify(new URL('./state-database.ts', import.meta.url).href)};
    const state = await sqliteState(${JSON.stringify(path)});
    await state.run.remember('fact', 'known');
    process.kill(process.pid, 'SIGKILL');
  `;
  spawnSync(process.execPath, ['--input-type=module', '--eval', program], { stdio: 'inherit' });
  expect(readdirSync(folder)).toEqual(['state.db', 'state.db-shm', 'state.db-wal']);
}

describe('looking into a database', () => {
  it('leaves its folder as it was', async () => {
    await writeState();
    const before = readdirSync(folder);
    const state = sqliteStateToRead(path);
    expect(await state.run.recall('fact')).toBe('known');
    await expect(state.run.remember('other', 'fact')).rejects.toMatchObject({ code: 'invalid_input' });
    expect(readdirSync(folder)).toEqual(before);
    await state.close();
    expect(readdirSync(folder)).toEqual(before);
  });

  it('needs no right to write there', async () => {
    await writeState();
    mayOnlyRead();
    const state = sqliteStateToRead(path);
    expect(await state.run.recall('fact')).toBe('known');
    await state.close();
  });

  it('sees what a killed process wrote', async () => {
    writeStateAndDie();
    mayOnlyRead();
    const state = sqliteStateToRead(path);
    expect(await state.run.recall('fact')).toBe('known');
    await state.close();
    expect(readdirSync(folder)).toEqual(['state.db', 'state.db-shm', 'state.db-wal']);
  });

  it('says what to do where a part is in a log that cannot be read there', () => {
    writeStateAndDie();
    rmSync(`${path}-shm`);
    mayOnlyRead();
    expect(() => sqliteStateToRead(path)).toThrow(
      expect.objectContaining({ code: 'invalid_input', message: expect.stringContaining('Copy the folder') }),
    );
  });

  it('sees what another connection writes meanwhile', async () => {
    const { eventLog, close } = await openEventLog(path);
    await eventLog.createTopics([{ name: 'in', partitions: 1, retention: 'keep' }]);
    const reader = sqliteEventLogToRead(path);
    await eventLog.append([{ topic: 'in', record: { key: 'k', value: Buffer.from('v'), headers: {} } }]);
    expect(await reader.endOffsets('in')).toEqual([1]);
    expect((await Array.fromAsync(reader.read('in', 0, 0))).flat().map((record) => record.key)).toEqual(['k']);
    reader.expectUnchanged();
    reader.close();
    await close();
  });

  it('says so where somebody began to write to a file that was taken for one at rest', async () => {
    await writeState();
    const { database, expectUnchanged } = openDatabaseToRead(path, 'run_fact');
    expectUnchanged();
    const writer = openDatabase(path);
    expectUnchanged();
    writer.exec("insert into run_fact values ('more', 'facts'); pragma wal_checkpoint(truncate)");
    expect(expectUnchanged).toThrow(expect.objectContaining({ code: 'busy' }));
    writer.close();
    database.close();
  });

  it('refuses what is not there, not ours, of a newer version, or empty as yet', async () => {
    expect(() => sqliteStateToRead(path)).toThrow(expect.objectContaining({ code: 'invalid_input' }));
    expect(readdirSync(folder)).toEqual([]);
    const begun = openDatabase(path);
    expect(() => sqliteStateToRead(path)).toThrow(expect.objectContaining({ code: 'not_found' }));
    begun.exec('pragma user_version = 99');
    expect(() => sqliteStateToRead(path)).toThrow(expect.objectContaining({ code: 'conflict' }));
    begun.exec('create table things (id); pragma application_id = 7; pragma user_version = 0');
    expect(() => sqliteStateToRead(path)).toThrow(expect.objectContaining({ code: 'invalid_input' }));
    begun.close();
  });
});
