import { randomUUID } from 'node:crypto';
import { access, copyFile, mkdir, readdir, readFile, readlink, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { threadId } from 'node:worker_threads';
import type { HubModel } from './requests.ts';

/**
 * A model's place in the hub's cache, in the layout of Python's huggingface_hub, so that each finds what the other fetched:
 * `blobs/<etag>` are contents, `snapshots/<commit>/<name>` are links to them, `refs/<revision>` holds the commit that it stood for.
 */
export interface ModelCache {
  readonly blobs: string;
  snapshot(commit: string): string;
  ref(revision: string): string;
}

export function modelCache(cacheFolder: string, { owner, name }: HubModel): ModelCache {
  const root = join(cacheFolder, `models--${owner}--${name}`);
  return {
    blobs: join(root, 'blobs'),
    snapshot: (commit) => join(root, 'snapshots', commit),
    ref: (revision) => join(root, 'refs', ...revision.split('/')),
  };
}

export function isCommit(revision: string): boolean {
  return /^[0-9a-f]{40}$/.test(revision);
}

export const weightsName = 'model.safetensors';
export const indexName = 'model.safetensors.index.json';
/** Without these no encoder can be used. */
export const requiredNames = ['config.json', 'tokenizer.json'];

/** The commit of a revision whose snapshot has all that an encoder needs; null where the cache has none. */
export async function completeCommit(cache: ModelCache, revision: string): Promise<string | null> {
  const commit = isCommit(revision) ? revision : (await readFile(cache.ref(revision), 'utf8').catch(() => '')).trim();
  if (!isCommit(commit)) return null;
  const has = (name: string) => isThere(join(cache.snapshot(commit), name));
  for (const name of requiredNames) if (!(await has(name))) return null;
  if (await has(weightsName)) return commit;
  const shards = await readFile(join(cache.snapshot(commit), indexName), 'utf8').then(shardNames, () => null);
  if (shards === null) return null;
  for (const name of shards) if (!(await has(name))) return null;
  return commit;
}

/** The files that an index of shards names; null where it is none, or names something else than a .safetensors file beside it. */
export function shardNames(index: string): readonly string[] | null {
  try {
    const names = [...new Set(Object.values((JSON.parse(index) as { weight_map: Record<string, unknown> }).weight_map))];
    const plain = names.every((name): name is string => typeof name === 'string' && /^\w[\w.-]*\.safetensors$/.test(name));
    return plain && names.length > 0 ? names.sort() : null;
  } catch {
    return null;
  }
}

/** Remembers what a revision stands for: last of all, so that without the hub an older whole snapshot is found, not a half one. */
export async function writeRef(cache: ModelCache, revision: string, commit: string): Promise<void> {
  if (isCommit(revision)) return;
  const path = cache.ref(revision);
  await mkdir(dirname(path), { recursive: true });
  const fresh = besides(path);
  await writeFile(fresh, commit);
  await rename(fresh, path);
}

/** Puts a file of a snapshot in its place: a link to its contents, or a copy where links are not allowed (Windows). */
export async function linkFile(cache: ModelCache, commit: string, name: string, etag: string): Promise<void> {
  const path = join(cache.snapshot(commit), name);
  const target = join('..', '..', 'blobs', etag);
  if ((await readlink(path).catch(() => null)) === target) return;
  await mkdir(dirname(path), { recursive: true });
  const fresh = besides(path);
  try {
    await symlink(target, fresh);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
    await copyFile(join(cache.blobs, etag), fresh);
  }
  await rename(fresh, path);
}

/** A name beside `path` that nobody else takes. */
function besides(path: string): string {
  return `${path}.${randomUUID()}`;
}

export async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

const host = hostname().replace(/\W/g, '_') || 'host';
const ownMark = `${host}-${process.pid}-${threadId}`;
const suffix = '.incomplete';
/** Silence after which nobody can be at work on a file any more, in milliseconds: longer than any rest between tries. */
const abandonedMs = 10 * 60_000;
let claims = 0;
const claimed = new Set<string>();

/**
 * Takes a file to download `etag` into: the longest that an earlier download left, or a new name. The name says whose it is (host,
 * process, thread), so that two downloads never write to one file and need no lock: the worst is that both fetch the same bytes. What
 * other processes left is taken over by a rename, which only one of them gets. The caller gives the claim back.
 */
export async function claimPartial(cache: ModelCache, etag: string): Promise<{ path: string; release(): void }> {
  await mkdir(cache.blobs, { recursive: true });
  const own = join(cache.blobs, `${etag}.${ownMark}-${claims++}${suffix}`);
  claimed.add(own);
  let taken = await isThere(own);
  for (const { path, abandoned } of await partialsOf(cache, etag)) {
    if (!abandoned || path === own) continue;
    if (taken) await rm(path, { force: true });
    else
      taken = await rename(path, own).then(
        () => true,
        () => false,
      );
  }
  return { path: own, release: () => claimed.delete(own) };
}

/** Bytes of `etag` that an earlier download left. */
export async function partialBytes(cache: ModelCache, etag: string): Promise<number> {
  return (await partialsOf(cache, etag)).find((partial) => partial.abandoned)?.bytes ?? 0;
}

/** The unfinished downloads of `etag`, longest first. Those of huggingface_hub (`<etag>.incomplete`) are left to it. */
async function partialsOf(cache: ModelCache, etag: string): Promise<{ path: string; bytes: number; abandoned: boolean }[]> {
  const names = await readdir(cache.blobs).catch(() => []);
  const found = [];
  for (const name of names) {
    const owner = name.startsWith(`${etag}.`) && name.endsWith(suffix) ? name.slice(etag.length + 1, -suffix.length) : '';
    const [, ownerHost, pid, thread] = /^(\w+)-(\d+)-(\d+)-\d+$/.exec(owner) ?? [];
    const path = join(cache.blobs, name);
    const facts = await stat(path).catch(() => null);
    if (ownerHost === undefined || facts === null) continue;
    const ours = ownerHost === host && Number(pid) === process.pid && Number(thread) === threadId;
    const gone = ours || (ownerHost === host && !isAlive(Number(pid))) || Date.now() - facts.mtimeMs > abandonedMs;
    found.push({ path, bytes: facts.size, abandoned: gone && !claimed.has(path) });
  }
  return found.sort((left, right) => right.bytes - left.bytes);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
