import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { open, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { LlambertError } from '@llambert/domain';

/**
 * Writes a file whole or not at all: into a file beside it, which takes its place when all of it is on the disk. A name that ends in
 * `.gz` is compressed. Pipes and devices are written directly, and so is standard output, named `-`; whoever reads that may stop early.
 * @throws LlambertError disk_full where there is no room, invalid_input where the file cannot be written there
 */
export async function writeWhole(file: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    if (file === '-') await writeToStdout(chunks);
    else await writeToFile(file, chunks);
  } catch (error) {
    throw writeFailure(file === '-' ? 'standard output' : file, error);
  }
}

/** Writes a text whole or not at all. Throws as `writeWhole` does. */
export async function writeTextAtomically(file: string, text: string): Promise<void> {
  await writeWhole(file, Readable.from([Buffer.from(text)]));
}

async function writeToFile(file: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  // A link stays a link: what it points to is replaced.
  const target = await realpath(file).catch(() => file);
  const found = await stat(target).catch(() => null);
  if (found?.isDirectory()) throw Object.assign(new Error('is a folder'), { code: 'EISDIR' });
  if (found !== null && !found.isFile()) return pour(chunks, file, createWriteStream(target));
  await sweep(target);
  const unfinished = `${unfinishedPrefix(target)}${process.pid}.${randomUUID()}.tmp`;
  try {
    // `flush`: what is renamed must be on the disk, or a power cut leaves an empty file under the right name.
    await pour(chunks, file, createWriteStream(unfinished, { flags: 'wx', flush: true }));
    await rename(unfinished, target);
    await syncFolder(dirname(target));
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}

async function pour(chunks: AsyncIterable<Uint8Array>, file: string, sink: Writable): Promise<void> {
  // Chunks may be as large as a row group: none waits.
  const source = Readable.from(chunks, { highWaterMark: 1 });
  await (file.endsWith('.gz') ? pipeline(source, createGzip(), sink) : pipeline(source, sink));
}

function unfinishedPrefix(target: string): string {
  return join(dirname(target), `.${basename(target)}.`);
}

/** Removes what processes that were killed left unfinished of this file. */
async function sweep(target: string): Promise<void> {
  const prefix = basename(unfinishedPrefix(target));
  for (const name of await readdir(dirname(target))) {
    const owner = name.startsWith(prefix) ? /^(\d+)\.[0-9a-f-]{36}\.tmp$/.exec(name.slice(prefix.length))?.[1] : undefined;
    if (owner !== undefined && !isAlive(Number(owner))) await rm(join(dirname(target), name), { force: true });
  }
}

function isAlive(processId: number): boolean {
  try {
    return process.kill(processId, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function syncFolder(folder: string): Promise<void> {
  // Not every system can open a folder, and the file is whole without it.
  const handle = await open(folder).catch(() => null);
  if (handle === null) return;
  try {
    await handle.sync().catch(() => {});
  } finally {
    await handle.close();
  }
}

async function writeToStdout(chunks: AsyncIterable<Uint8Array>): Promise<void> {
  // Each write reports to its callback; without a listener the event would end the process, too.
  const ignore = () => {};
  process.stdout.on('error', ignore);
  try {
    for await (const chunk of chunks) {
      await new Promise<void>((resolve, reject) => {
        process.stdout.write(chunk, (error) => (error ? reject(error) : resolve()));
      });
    }
    process.stdout.off('error', ignore);
  } catch (error) {
    // The reader has what it wanted, as in `… | head`. The listener stays: the event may come later.
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  }
}

const refusals: Readonly<Record<string, string>> = {
  ENOENT: 'its folder is not there; make it first',
  ENOTDIR: 'its folder is a file; name another',
  EISDIR: 'it is a folder; name a file in it',
  EACCES: 'it may not be written; change the permissions or name another place',
  EPERM: 'it may not be written; change the permissions or name another place',
  EROFS: 'the disk can only be read; name another place',
  ENAMETOOLONG: 'its name is too long',
};

function writeFailure(file: string, error: unknown): unknown {
  if (error instanceof LlambertError) return error;
  const { code = '' } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    const message = `${file}: the disk is full, so it was not written. Free some space and run the same command again`;
    return new LlambertError('disk_full', message, { facts: { file }, cause: error });
  }
  const refusal = refusals[code];
  return refusal === undefined ? error : new LlambertError('invalid_input', `${file}: ${refusal}`, { facts: { file }, cause: error });
}
