import { mkdir, readFile, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { LlambertError, toLlambertError } from '@llambert/domain';
import { fetchBlob } from './blob.ts';
import {
  completeCommit,
  indexName,
  isCommit,
  isThere,
  linkFile,
  type ModelCache,
  modelCache,
  partialBytes,
  requiredNames,
  shardNames,
  weightsName,
  writeRef,
} from './cache.ts';
import { describeModel, type FileFacts, fileFacts, type HubAccess, type HubModel } from './requests.ts';
import type { HubSettings } from './settings.ts';

/** How far a download is. What was there before counts as done. */
export interface DownloadProgress {
  readonly file: string;
  readonly doneBytes: number;
  readonly totalBytes: number;
}

export interface DownloadOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: DownloadProgress) => void;
  /**
   * Sees the folder when all but the weights is there, and refuses by throwing: a model that cannot be used is then found out before
   * gigabytes of it are fetched.
   */
  readonly beforeWeights?: (folder: string) => Promise<void>;
}

export interface DownloadedModel {
  /** A folder in the layout of a Hugging Face checkpoint, in the cache: not to be written to. */
  readonly folder: string;
  readonly commit: string;
  /** Whether the hub was not asked, or did not answer, and the revision may have moved on since. */
  readonly unverified: boolean;
}

/** Small files that say more of a model where there are any: the licence stands in README.md. */
const optionalNames = ['tokenizer_config.json', 'special_tokens_map.json', 'README.md'];

/**
 * A model of the hub as a folder: from the cache where it is whole there, downloaded otherwise. Only the files that an encoder needs.
 *
 * Throws LlambertError: `hub_unreachable` (away, or keeps cutting: may pass), `hub_refused_credentials`, `not_found` (no such model,
 * revision or file; offline and not in the cache), `invalid_input` (weights as a pickle only, no tokenizer.json), `corrupt_artifact`
 * (a digest that stays wrong), `disk_full`, `cancelled`.
 */
export async function downloadModel(model: HubModel, settings: HubSettings, options: DownloadOptions = {}): Promise<DownloadedModel> {
  const access: HubAccess = { model, settings, signal: options.signal ?? null };
  const cache = modelCache(settings.cacheFolder, model);
  const cached = await completeCommit(cache, model.revision);
  const fromCache = (commit: string) => ({ folder: cache.snapshot(commit), commit, unverified: !isCommit(model.revision) });
  // What a commit stands for does not change.
  if (cached !== null && (settings.offline || isCommit(model.revision))) return fromCache(cached);
  if (settings.offline) {
    throw new LlambertError(
      'not_found',
      `hf:${model.owner}/${model.name}@${model.revision} is not, or not wholly, in the cache ${settings.cacheFolder}, and HF_HUB_OFFLINE forbids to fetch it. Unset that, or name a folder with the model`,
      { facts: { cache: settings.cacheFolder } },
    );
  }
  let described: { commit: string; files: ReadonlySet<string> };
  try {
    described = await describeModel(access, cached === null ? settings.patience.tries : 1);
  } catch (error) {
    if (cached !== null && error instanceof LlambertError && error.code === 'hub_unreachable') return fromCache(cached);
    throw error;
  }
  try {
    await fetchSnapshot(access, cache, described, options);
  } catch (error) {
    throw unwritable(settings.cacheFolder, error) ?? toLlambertError(error);
  }
  return { folder: cache.snapshot(described.commit), commit: described.commit, unverified: false };
}

/** The error where the cache's folder is what is wrong; null otherwise. */
function unwritable(folder: string, error: unknown): LlambertError | null {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code !== 'string' || !['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST'].includes(code)) return null;
  return new LlambertError('invalid_input', `the cache folder ${folder} cannot be written to (${code}): set HF_HUB_CACHE to one that can`, {
    facts: { folder },
    cause: error,
  });
}

async function fetchSnapshot(
  access: HubAccess,
  cache: ModelCache,
  { commit, files }: { commit: string; files: ReadonlySet<string> },
  options: DownloadOptions,
): Promise<void> {
  checkFiles(access.model, files);
  const folder = cache.snapshot(commit);
  const small = [...requiredNames, ...optionalNames, ...(files.has(weightsName) ? [] : [indexName])].filter((name) => files.has(name));
  await fetchFiles(access, cache, commit, small, options);
  await options.beforeWeights?.(folder);
  const weights = files.has(weightsName) ? [weightsName] : shardNames(await readFile(join(folder, indexName), 'utf8'));
  if (weights === null) {
    throw new LlambertError('corrupt_artifact', `${indexName} of hf:${access.model.owner}/${access.model.name} names no shards beside it`);
  }
  await fetchFiles(access, cache, commit, weights, options);
  await writeRef(cache, access.model.revision, commit);
}

/** Refuses a model that lacks what an encoder needs, before anything of it is fetched. */
function checkFiles({ owner, name }: HubModel, files: ReadonlySet<string>): void {
  const id = `${owner}/${name}`;
  const convert = (loader: string, folder: string) =>
    `\n  from transformers import ${loader}\n  ${loader}.from_pretrained("${id}").save_pretrained("${folder}")\nand name that folder instead of hf:${id}`;
  if (!files.has('config.json')) throw new LlambertError('not_found', `hf:${id} is no model for transformers: it has no config.json`);
  if (!files.has('tokenizer.json')) {
    throw new LlambertError(
      'invalid_input',
      `hf:${id} has no tokenizer.json. Make one where Python is, beside its weights:${convert('AutoTokenizer', name)}`,
    );
  }
  if (files.has(weightsName) || files.has(indexName)) return;
  if (files.has('pytorch_model.bin') || files.has('pytorch_model.bin.index.json')) {
    throw new LlambertError(
      'invalid_input',
      `hf:${id} has its weights as pytorch_model.bin only, and such files can run code when they are read. Convert it where you trust it, with its tokenizer:${convert('AutoModel', name)}`,
    );
  }
  throw new LlambertError('not_found', `hf:${id} has neither ${weightsName} nor ${indexName}`);
}

/** Fetches what the snapshot lacks of `names`, after a look at whether the disk can hold it. */
async function fetchFiles(
  access: HubAccess,
  cache: ModelCache,
  commit: string,
  names: readonly string[],
  { onProgress }: DownloadOptions,
): Promise<void> {
  const wanted: { name: string; facts: FileFacts }[] = [];
  for (const name of names) {
    if (await isThere(join(cache.snapshot(commit), name))) continue;
    wanted.push({ name, facts: await fileFacts(access, commit, name) });
  }
  await checkSpace(access, cache, wanted);
  const totalBytes = wanted.reduce((sum, { facts }) => sum + facts.bytes, 0);
  let before = 0;
  for (const { name, facts } of wanted) {
    if (!(await isThere(join(cache.blobs, facts.etag)))) {
      await fetchBlob(access, cache, commit, name, facts, (bytes) => onProgress?.({ file: name, doneBytes: before + bytes, totalBytes }));
    }
    await linkFile(cache, commit, name, facts.etag);
    before += facts.bytes;
    onProgress?.({ file: name, doneBytes: before, totalBytes });
  }
}

async function checkSpace(access: HubAccess, cache: ModelCache, wanted: readonly { facts: FileFacts }[]): Promise<void> {
  let needed = 0;
  for (const { facts } of wanted) {
    if (!(await isThere(join(cache.blobs, facts.etag)))) needed += Math.max(0, facts.bytes - (await partialBytes(cache, facts.etag)));
  }
  await mkdir(cache.blobs, { recursive: true });
  const { bavail, bsize } = await statfs(cache.blobs);
  if (needed <= bavail * bsize) return;
  const megabytes = (bytes: number) => `${Math.ceil(bytes / 1e6).toLocaleString('en')} MB`;
  throw new LlambertError(
    'disk_full',
    `hf:${access.model.owner}/${access.model.name} needs ${megabytes(needed)} more, and ${access.settings.cacheFolder} has room for ${megabytes(bavail * bsize)}. Free some space, or set HF_HUB_CACHE to another disk`,
    { facts: { folder: access.settings.cacheFolder, neededBytes: needed, freeBytes: bavail * bsize } },
  );
}
