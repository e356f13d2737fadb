import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type LocalHub, localHub } from './hub.fixture.ts';

const weights = Buffer.alloc(400_000, 'weights');
/** Downloads in a process of its own, and prints what it got to. */
const script = `
  const { downloadModel, hubSettings } = await import(${JSON.stringify(pathToFileURL(join(import.meta.dirname, 'index.ts')).href)});
  const onProgress = ({ file, doneBytes }) => console.log(file, doneBytes);
  await downloadModel({ owner: 'acme', name: 'tiny', revision: 'main' }, hubSettings(process.env), { onProgress });
`;

let hub: LocalHub;
let cache: string;
const running: ChildProcess[] = [];
beforeEach(async () => {
  hub = await localHub({ 'config.json': '{}', 'tokenizer.json': '{}', 'model.safetensors': weights });
  cache = await mkdtemp(join(tmpdir(), 'llambert-hub-'));
});
afterEach(async () => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
  await hub.close();
  await rm(cache, { recursive: true, force: true });
});

function download(): ChildProcess {
  const environment = { ...process.env, HF_ENDPOINT: hub.endpoint, HF_HUB_CACHE: cache };
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { env: environment, stdio: ['ignore', 'pipe', 'inherit'] });
  running.push(child);
  return child;
}

const blobs = () => readdir(join(cache, 'models--acme--tiny/blobs'));
const fetched = () => readFile(join(cache, 'models--acme--tiny/snapshots', hub.commit, 'model.safetensors'));

it('a download that was killed goes on in the next process', async () => {
  hub.fault = (asked) => (asked.host === 'store' ? { silentAfter: 150_000 } : null);
  const killed = download();
  let seen = '';
  for await (const piece of killed.stdout!) {
    seen += piece;
    if (seen.includes('model.safetensors 150000')) break;
  }
  killed.kill('SIGKILL');
  await once(killed, 'exit');
  expect((await blobs()).filter((name) => name.endsWith('.incomplete')).length).toBe(1);
  hub.fault = () => null;
  hub.asked.length = 0;
  const [code] = await once(download(), 'exit');
  expect(code).toBe(0);
  expect(hub.asked.find(({ host }) => host === 'store')?.range).toBe('bytes=150000-');
  expect((await fetched()).equals(weights)).toBe(true);
  expect((await blobs()).length).toBe(2);
});

it('downloads by several processes at once do no harm', async () => {
  const exits = await Promise.all([download(), download(), download()].map((child) => once(child, 'exit')));
  expect(exits.map(([code]) => code)).toEqual([0, 0, 0]);
  expect((await fetched()).equals(weights)).toBe(true);
  expect((await blobs()).length).toBe(2);
});
