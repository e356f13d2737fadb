import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { holdLock } from './lock.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'llambert-lock-'));
  path = join(folder, 'lock');
});
afterEach(() => rmSync(folder, { recursive: true }));

it('refuses a second holder until the first lets go', () => {
  const first = holdLock(path, 'one at a time');
  expect(() => holdLock(path, 'one at a time')).toThrow(expect.objectContaining({ code: 'busy', message: 'one at a time' }));
  first.release();
  first.release();
  holdLock(path, 'one at a time').release();
});

it('is held against other processes and ends with its holder, even one that is killed', async () => {
  const program = `
    import { holdLock } from ${JSON.stringify(new URL('./lock.ts', import.meta.url).href)};
    holdLock(${JSON.stringify(path)}, 'taken');
    console.log('held');
    setInterval(() => globalThis.gc?.(), 10);
  `;
  const child = spawn(process.execPath, ['--expose-gc', '--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  // By then the lock's returned object is garbage.
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(() => holdLock(path, 'wait')).toThrow(expect.objectContaining({ code: 'busy', message: 'wait' }));
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
  holdLock(path, 'wait').release();
});

it('says which file cannot be opened', () => {
  const nowhere = join(folder, 'missing', 'lock');
  expect(() => holdLock(nowhere, '')).toThrow(expect.objectContaining({ code: 'invalid_input', facts: { file: nowhere } }));
});
