import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { LlambertError, toLlambertError } from '@llambert/domain';
import { claimPartial, isThere, type ModelCache } from './cache.ts';
import { brokenConnection, type FileFacts, fileUrl, type HubAccess, restAfter, send } from './requests.ts';

/** How often contents with a wrong digest are fetched anew: once may be a fault of a line or a disk, twice is the server's. */
const mostFetches = 2;

/**
 * Fetches a file's contents into the cache, going on with what an earlier download left. They get their name after their digest was
 * checked and they are on the disk, never before. `onBytes` hears how many are there.
 */
export async function fetchBlob(
  access: HubAccess,
  cache: ModelCache,
  commit: string,
  file: string,
  facts: FileFacts,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const blob = join(cache.blobs, facts.etag);
  const partial = await claimPartial(cache, facts.etag);
  try {
    for (let fetches = 1; !(await isThere(blob)); fetches++) {
      await fetchBytes(access, fileUrl(access, commit, file), file, facts.bytes, partial.path, onBytes);
      const found = await digestLike(facts, partial.path);
      if (found === facts.etag) {
        await rename(partial.path, blob);
        return;
      }
      await rm(partial.path, { force: true });
      if (fetches < mostFetches) continue;
      const { owner, name } = access.model;
      throw new LlambertError(
        'corrupt_artifact',
        `${file} of hf:${owner}/${name} came with the digest ${found} and not ${facts.etag}, twice: something between here and ${access.settings.endpoint} changes it. It was thrown away`,
        { facts: { file, expected: facts.etag, found } },
      );
    }
    await rm(partial.path, { force: true });
  } catch (error) {
    // A half file would go on filling the disk that is full.
    if (toLlambertError(error).code === 'disk_full') await rm(partial.path, { force: true });
    throw error;
  } finally {
    partial.release();
  }
}

/** Fetches until the file has `bytes`. Any new byte renews the patience with a connection that keeps breaking. */
async function fetchBytes(
  access: HubAccess,
  url: string,
  file: string,
  bytes: number,
  path: string,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const handle = await open(path, 'a');
  try {
    let furthest = (await handle.stat()).size;
    for (let failures = 0; ; ) {
      let have = (await handle.stat()).size;
      if (have > bytes) have = await startOver(handle);
      onBytes(have);
      if (have === bytes) break;
      try {
        await fetchRest(access, url, file, { have, bytes }, handle, onBytes);
      } catch (error) {
        if (!(error instanceof LlambertError) || error.code !== 'hub_unreachable') throw error;
        const reached = (await handle.stat()).size;
        failures = reached > furthest ? 1 : failures + 1;
        furthest = Math.max(furthest, reached);
        if (failures >= access.settings.patience.tries) throw error;
        await restAfter(access, failures, error);
      }
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * One request for what is missing, appended to the file. Asks by Range alone, without If-Range: the host that files in LFS are
 * redirected to has etags of its own, and the digest at the end finds what changed.
 */
async function fetchRest(
  access: HubAccess,
  url: string,
  file: string,
  { have, bytes }: { have: number; bytes: number },
  handle: FileHandle,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const range = have > 0 ? { range: `bytes=${have}-` } : {};
  const { response, silence } = await send(access, 'GET', url, { 'accept-encoding': 'identity', ...range }, file);
  try {
    let at = have;
    if (have > 0 && !continues(response, have, bytes)) at = await startOver(handle);
    if (response.status === 416 || (response.status === 206 && at !== have)) {
      await response.body?.cancel();
      throw brokenConnection(access, new Error(`${file} was not continued at byte ${have}`));
    }
    const body = response.body?.[Symbol.asyncIterator]();
    for (;;) {
      const piece = await body?.next().catch((error: unknown) => {
        throw brokenConnection(access, error);
      });
      if (piece === undefined || piece.done === true) break;
      silence.heard();
      // More than was announced: the digest cannot be right, and the disk need not bear it.
      if (at + piece.value.byteLength > bytes) {
        await startOver(handle);
        throw brokenConnection(access, new Error(`${file} is longer than the ${bytes} bytes announced`));
      }
      await handle.appendFile(piece.value);
      at += piece.value.byteLength;
      onBytes(at);
    }
    if (at < bytes) throw brokenConnection(access, new Error(`${file} ended after ${at} of ${bytes} bytes`));
  } finally {
    silence.end();
    await response.body?.cancel().catch(() => undefined);
  }
}

/** Whether an answer goes on at byte `have` of a file of `bytes`. A 200 has it from the start. */
function continues(response: Response, have: number, bytes: number): boolean {
  return response.status === 206 && response.headers.get('content-range')?.startsWith(`bytes ${have}-${bytes - 1}/`) === true;
}

async function startOver(handle: FileHandle): Promise<number> {
  await handle.truncate(0);
  return 0;
}

/**
 * A file's digest in the form of its etag: SHA-256 for files in LFS, git's for others (SHA-1 of "blob", the length and the bytes).
 * Servers other than the hub may have etags that are no digest: then only the length was checked, and the etag is given back.
 */
async function digestLike({ etag, bytes }: FileFacts, path: string): Promise<string> {
  if (!/^([0-9a-f]{64}|[0-9a-f]{40})$/.test(etag)) return etag;
  const hash = createHash(etag.length === 64 ? 'sha256' : 'sha1');
  if (etag.length === 40) hash.update(`blob ${bytes}\0`);
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
