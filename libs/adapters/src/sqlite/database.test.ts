import { mkdtempSync, openSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase, pragma } from './database.ts';
import { openEventLog } from './event-log.fixture.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'llambert-database-'));
  path = join(folder, 'events.db');
});
afterEach(() => rmSync(folder, { recursive: true }));

const records = (count: number, bytes: number) =>
  Array.from({ length: count }, (_, index) => ({
    topic: 'in',
    record: { key: String(index), value: crypto.getRandomValues(new Uint8Array(bytes)), headers: {} },
  }));
const openLog = async (retention: 'keep' | 'when-read' = 'keep') => {
  const { database, eventLog: log } = await openEventLog(path);
  await log.createTopics([{ name: 'in', partitions: 1, retention }]);
  return { database, log };
};
const about = (code: string, file = path) => expect.objectContaining({ code, message: expect.stringContaining(file), facts: { file } });

describe('opening', () => {
  it('finds again what was written', () => {
    openDatabase(path).close();
    const database = openDatabase(path);
    expect([pragma(database, 'synchronous'), pragma(database, 'auto_vacuum')]).toEqual([1, 2]);
    expect(database.prepare('pragma journal_mode').get()).toEqual({ journal_mode: 'wal' });
    database.close();
  });

  it('refuses what is not ours, and says which file', () => {
    writeFileSync(path, 'no database at all, but long enough to have a header'.repeat(100));
    expect(() => openDatabase(path)).toThrow(about('invalid_input'));
    const foreign = join(folder, 'foreign.db');
    const database = new DatabaseSync(foreign);
    database.exec('create table things (id integer)');
    database.close();
    expect(() => openDatabase(foreign)).toThrow(about('invalid_input', foreign));
    expect(() => openDatabase(join(folder, 'missing', 'events.db'))).toThrow(about('invalid_input', join(folder, 'missing', 'events.db')));
    expect(() => openDatabase(folder)).toThrow(about('invalid_input', folder));
  });

  it('refuses a file of a newer version', () => {
    const database = openDatabase(path);
    database.exec('pragma user_version = 99');
    database.close();
    expect(() => openDatabase(path)).toThrow(expect.objectContaining({ code: 'conflict', message: expect.stringContaining(path) }));
  });
});

describe('trouble with the file of an event log', () => {
  it('says that the disk is full, keeps nothing of the append, and goes on when there is room', async () => {
    const { database, log } = await openLog();
    await log.append(records(1, 100));
    database.exec(`pragma max_page_count = ${pragma(database, 'page_count') + 5}`);
    await expect(log.append(records(100, 1000))).rejects.toEqual(about('disk_full'));
    expect(await log.endOffsets('in')).toEqual([1]);
    const consumer = log.consume({ group: 'g', topic: 'in', maxBatch: 10, handle: async () => records(100, 1000) });
    await expect(consumer.done).rejects.toEqual(about('disk_full'));
    expect(await log.committedOffsets('g', 'in')).toEqual([0]);
    database.exec('pragma max_page_count = 100000');
    await log.append(records(100, 1000));
    expect(await log.endOffsets('in')).toEqual([101]);
    database.close();
  });

  it('says that the file may not be written', async () => {
    const { database, log } = await openLog();
    database.exec('pragma query_only = 1');
    await expect(log.append(records(1, 10))).rejects.toEqual(about('invalid_input'));
    database.close();
  });

  it('says that the file is damaged, instead of giving out what was not written', async () => {
    const { database: written, log } = await openLog();
    const value = Buffer.from('same '.repeat(2000));
    await log.append(records(50, 0).map(({ topic, record }) => ({ topic, record: { ...record, value } })));
    const [row] = written.prepare('select id, payload from log_batch').all() as { id: number; payload: Uint8Array }[];
    for (const at of [0, 1, 5, row!.payload.length >> 1, row!.payload.length - 1]) {
      const payload = row!.payload.slice();
      payload[at]! ^= 0x55;
      written.prepare('update log_batch set payload = ?').run(payload);
      await expect(Array.fromAsync(log.read('in', 0, 0))).rejects.toEqual(about('corrupt_artifact'));
    }
    written.prepare('update log_batch set payload = ?').run(row!.payload);
    const pages = pragma(written, 'page_count');
    written.close();
    const file = openSync(path, 'r+');
    for (let page = 1; page < pages; page++) writeSync(file, Buffer.alloc(4096, 0xff), 0, 4096, page * 4096);
    await expect(openLog()).rejects.toEqual(about('corrupt_artifact'));
  });

  it('says that the log was closed under its users', async () => {
    const { database, log } = await openLog();
    database.close();
    await expect(log.append(records(1, 10))).rejects.toMatchObject({ code: 'internal', message: expect.stringContaining('closed') });
  });
});

describe('the space a log takes', () => {
  it('is bounded for the write-ahead log, and given back once everything was read', async () => {
    const { database, log } = await openLog('when-read');
    for (let round = 0; round < 40; round++) await log.append(records(100, 10_000));
    expect(statSync(`${path}-wal`).size).toBeLessThan(20e6);
    expect(statSync(path).size).toBeGreaterThan(20e6);
    const consumer = log.consume({ group: 'g', topic: 'in', maxBatch: 100, handle: async () => [] });
    await expect.poll(() => log.committedOffsets('g', 'in'), { timeout: 10_000 }).toEqual([4000]);
    await expect.poll(() => pragma(database, 'freelist_count'), { timeout: 10_000 }).toBe(0);
    await consumer.stop();
    database.close();
    expect(statSync(path).size).toBeLessThan(1e6);
  });

  it('is small for short documents', async () => {
    const { database, log } = await openLog();
    const value = (index: number) => Buffer.from(`{"id":"${index}","text":"the same few words again and again, number ${index % 97}"}`);
    await log.append(
      Array.from({ length: 10_000 }, (_, index) => ({
        topic: 'in',
        record: { key: String(index), value: value(index), headers: { schema: 'a.b' } },
      })),
    );
    database.close();
    expect(statSync(path).size).toBeLessThan(300_000);
  });
});
