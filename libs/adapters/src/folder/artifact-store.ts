import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { lstat, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import {
  type ArtifactStore,
  canonicalJson,
  digestOf,
  LlambertError,
  type ModelManifest,
  manifestFormat,
  modelFormats,
  toLlambertError,
} from '@llambert/domain';

const manifestName = 'manifest.json';
/** Prefix of folders that are being written: what a crash leaves of them is swept at the next publication. */
const unfinished = '.writing-';
/** Age from which on an unfinished folder cannot belong to a training that still runs, in milliseconds. */
const abandonedMs = 7 * 24 * 3600 * 1000;
const leastDigestDigits = 4;

/** Artifacts as folders named by their digests, below one folder of a file system. */
export function folderArtifactStore(root: string): ArtifactStore {
  const folderOf = (digest: string) => join(resolve(root), digest);
  return {
    async publish(write) {
      await mkdir(root, { recursive: true });
      await sweep(root);
      const fresh = join(resolve(root), `${unfinished}${process.pid}-${Date.now()}-${Math.random().toString(36).slice(2)}`);
      await mkdir(fresh);
      try {
        const described = await write(fresh);
        const manifest: ModelManifest = { ...described, files: await fileDigests(fresh) };
        const text = canonicalJson(manifest);
        await writeFile(join(fresh, manifestName), text);
        await syncFolder(fresh);
        const digest = manifestDigest(text);
        // Equal contents have equal digests: what is there already is what was just made.
        if (!existsSync(folderOf(digest))) await rename(fresh, folderOf(digest));
        return { digest, manifest };
      } catch (error) {
        throw toLlambertError(error);
      } finally {
        await rm(fresh, { recursive: true, force: true });
      }
    },

    async open(digest) {
      const names = (await readdir(root).catch(() => [])).filter((name) => name.startsWith(digest) && !name.startsWith('.'));
      if (names.length !== 1 || digest.length < leastDigestDigits) {
        const why =
          digest.length < leastDigestDigits
            ? `a model is named by at least ${leastDigestDigits} digits of its digest`
            : names.length > 1
              ? `${names.length} models begin with it`
              : `${root} has no such model`;
        throw new LlambertError('not_found', `no model "${digest}": ${why}`, { facts: { digest } });
      }
      const opened = await openArtifact(folderOf(names[0]!));
      if (opened.digest !== names[0]) throw corrupt(folderOf(names[0]!), `its manifest has the digest ${opened.digest}`);
      return opened;
    },

    async list() {
      const names = (await readdir(root).catch(() => [])).filter((name) => !name.startsWith('.')).sort();
      return Promise.all(names.map(async (digest) => ({ digest, manifest: (await readManifest(folderOf(digest))).manifest })));
    },
  };
}

/**
 * Opens an artifact's folder wherever it lies (copied beside a run's labels, say), every file checked against the manifest. Throws
 * `not_found` where there is no manifest and `corrupt_artifact` where a file is missing, strange or changed.
 */
export async function openArtifact(folder: string): Promise<{ digest: string; folder: string; manifest: ModelManifest }> {
  const { text, manifest } = await readManifest(folder);
  for (const [name, expected] of Object.entries(manifest.files)) {
    const found = await fileDigest(join(folder, name)).catch(() => null);
    if (found !== expected) throw corrupt(folder, found === null ? `${name} is missing` : `${name} was changed`);
  }
  return { digest: manifestDigest(text), folder, manifest };
}

async function readManifest(folder: string): Promise<{ text: string; manifest: ModelManifest }> {
  let text: string;
  try {
    text = await readFile(join(folder, manifestName), 'utf8');
  } catch (error) {
    throw new LlambertError('not_found', `${folder} is not a model: it has no ${manifestName}`, { cause: error });
  }
  const manifest = parsedManifest(text);
  if (manifest === null)
    throw corrupt(folder, `${manifestName} is not a manifest of a format that this version reads (${modelFormats.join(', ')})`);
  // Without this its encoder would label alone, under the calibration of both.
  if (manifest.format !== manifestFormat(manifest)) {
    throw corrupt(
      folder,
      `${manifestName} is of the format ${manifest.format} ${manifest.ensemble === undefined ? 'and has no' : 'but has an'} ensemble`,
    );
  }
  return { text, manifest };
}

function parsedManifest(text: string): ModelManifest | null {
  try {
    const manifest = JSON.parse(text) as ModelManifest;
    const safe = Object.keys(manifest.files).every((name) => /^[\w.-]+$/.test(name) && !name.startsWith('.'));
    return modelFormats.includes(manifest.format) && safe ? manifest : null;
  } catch {
    return null;
  }
}

function corrupt(folder: string, why: string): LlambertError {
  return new LlambertError('corrupt_artifact', `the model in ${folder} is damaged: ${why}. Copy it again, or train it anew`, {
    facts: { folder },
  });
}

function manifestDigest(text: string): string {
  return digestOf('model.v1', text);
}

async function fileDigests(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(folder)).sort();
  const digests: Record<string, string> = {};
  for (const name of names) digests[name] = await fileDigest(join(folder, name));
  return digests;
}

async function fileDigest(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** Makes a folder's files durable before the rename that publishes them. */
async function syncFolder(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const file = await open(join(folder, name), 'r+');
    await file.sync();
    await file.close();
  }
}

async function sweep(root: string): Promise<void> {
  for (const name of await readdir(root)) {
    if (!name.startsWith(unfinished)) continue;
    const path = join(root, name);
    const pid = Number(name.slice(unfinished.length).split('-')[0]);
    const age = Date.now() - (await lstat(path)).mtimeMs;
    if (age > abandonedMs || !isAlive(pid)) await rm(path, { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
