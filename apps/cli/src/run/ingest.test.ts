import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeDocument } from '@llambert/contracts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Reporter } from '../terminal/reporter.ts';
import { ingest, refusedTopic } from './ingest.ts';
import { openRunFolder, type RunFolder } from './run-folder.ts';

const source = 'documents';
let folder: string;
let input: string;
let run: RunFolder;
let notices: string[];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'llambert-ingest-'));
  input = join(folder, 'input.jsonl');
  notices = [];
  run = await openRunFolder(join(folder, 'run'));
});
afterEach(async () => {
  await run.close();
  rmSync(folder, { recursive: true });
});

const reporter = (onProgress: () => void = () => undefined): Reporter => ({
  step() {},
  progress: onProgress,
  notice: (message) => notices.push(message),
  end() {},
});
const read = (options: { reporter?: Reporter; signal?: AbortSignal } = {}) =>
  ingest(
    run,
    { inputs: [input], options: { fields: {} }, source },
    options.reporter ?? reporter(),
    options.signal ?? new AbortController().signal,
  );
/** Every seventh line is broken. */
const writeInput = (lines: number) =>
  writeFileSync(
    input,
    Array.from({ length: lines }, (_, index) => (index % 7 === 3 ? 'broken\n' : `{"id":"d${index}","text":"text ${index}"}\n`)).join(''),
  );
const idsOf = (lines: number) =>
  Array.from({ length: lines }, (_, index) => index).flatMap((index) => (index % 7 === 3 ? [] : [`d${index}`]));
async function idsRead(): Promise<string[]> {
  const batches = await Array.fromAsync(run.eventLog.read(source, 0, 0));
  return batches.flat().map((record) => decodeDocument(record).id);
}

describe('reading the input into a folder', () => {
  it('goes on where it was stopped: each record once, in order', async () => {
    writeInput(1400);
    const stopping = new AbortController();
    let batches = 0;
    const stopSoon = reporter(() => {
      batches += 1;
      if (batches === 2) stopping.abort();
    });
    await expect(read({ reporter: stopSoon, signal: stopping.signal })).rejects.toMatchObject({ code: 'cancelled' });
    const before = await idsRead();
    expect(before.length).toBeGreaterThan(0);
    expect(before.length).toBeLessThan(1200);
    expect(await read()).toEqual({ documents: 1200, refused: 200 });
    expect(await idsRead()).toEqual(idsOf(1400));
    expect(await run.eventLog.endOffsets(refusedTopic)).toEqual([200]);
  });

  it('reads once: what changed in the input since is said, and not read', async () => {
    writeInput(20);
    const ingested = await read();

    notices = [];
    expect(await read()).toEqual(ingested);
    expect(notices).toEqual([]);
    utimesSync(input, new Date(), new Date(Date.now() + 5000));
    expect(await read()).toEqual(ingested);
    expect(notices).toEqual([expect.stringContaining('was written to since')]);
    expect(await idsRead()).toEqual(idsOf(20));
  });

  it('refuses other input', async () => {
    writeInput(20);
    await read();
    writeInput(21);
    await expect(read()).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('input.jsonl') });
  });

  it('says why no record could be used', async () => {
    writeFileSync(input, 'broken\nbroken, too\n');
    await expect(read()).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringMatching(/none of the 2 records.*broken JSON/),
    });
  });

  it('does not take a folder whose documents are gone for one that was read', async () => {
    writeInput(20);
    await read();
    await run.close();
    for (const end of ['', '-wal', '-shm']) rmSync(join(run.paths.state, `events.db${end}`), { force: true });
    run = await openRunFolder(join(folder, 'run'));
    await expect(read()).rejects.toMatchObject({ code: 'corrupt_artifact', facts: { file: 'events.db' } });
  });
});
