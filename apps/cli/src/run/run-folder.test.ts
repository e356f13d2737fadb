import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lookIntoRun } from './look-into-run.ts';
import { lookIntoRunFolder, openRunFolder } from './run-folder.ts';

let folder: string;
let out: string;
const root = process.geteuid?.() === 0;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'llambert-run-folder-'));
  out = join(folder, 'run');
});
afterEach(() => {
  if (root) process.seteuid!(0);
  for (const path of [folder, join(out, 'state')]) if (existsSync(path)) chmodSync(path, 0o755);
  rmSync(folder, { recursive: true });
});

/** The permissions of a folder mean nothing to root, so root becomes nobody. */
function mayOnlyRead(path: string): void {
  chmodSync(folder, 0o755);
  chmodSync(path, 0o555);
  if (root) process.seteuid!(65534);
}

describe('opening the folder of a run', () => {
  it('makes it, and leaves nothing of it where there is nothing to keep', async () => {
    const deep = join(out, 'of', 'today');
    const run = await openRunFolder(deep);
    expect(existsSync(join(deep, 'state', 'ledger.db'))).toBe(true);
    await run.discard();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('leaves a folder that was there, and what is in it', async () => {
    mkdirSync(join(out, 'state'), { recursive: true });
    writeFileSync(join(out, 'notes.txt'), 'mine');
    await (await openRunFolder(out)).discard();
    expect(readdirSync(out).sort()).toEqual(['notes.txt', 'state']);
    expect(readdirSync(join(out, 'state'))).toEqual(['lock']);
    await (await openRunFolder(out)).close();
  });

  it('keeps others out until it is closed', async () => {
    const run = await openRunFolder(out);
    await expect(openRunFolder(out)).rejects.toMatchObject({ code: 'busy' });
    await run.close();
    await (await openRunFolder(out)).close();
  });

  it('says what is wrong where it cannot be made, and leaves nothing half made', async () => {
    writeFileSync(join(folder, 'file'), '');
    await expect(openRunFolder(join(folder, 'file', 'run'))).rejects.toMatchObject({ message: expect.stringContaining('is a file') });
    mayOnlyRead(folder);
    await expect(openRunFolder(out)).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining(`you may not write to ${folder}`),
    });
    expect(readdirSync(folder)).toEqual(['file']);
  });
});

describe('looking into the folder of a run', () => {
  it('writes nothing and needs no right to write', async () => {
    const run = await openRunFolder(out);
    await run.ledger.run.remember('current', '{}');
    await run.close();
    const state = join(out, 'state');
    const before = readdirSync(state);
    mayOnlyRead(state);
    expect(await lookIntoRun(out)).toEqual({ task: null, step: 'reading' });
    const reader = await lookIntoRunFolder(out);
    await expect(reader.openLoop('abc')).rejects.toMatchObject({ code: 'corrupt_artifact' });
    await reader.close();
    expect(readdirSync(state)).toEqual(before);
  });

  it('says where there is none', async () => {
    await expect(lookIntoRunFolder(out)).rejects.toMatchObject({ code: 'not_found' });
    expect(existsSync(out)).toBe(false);
  });
});
