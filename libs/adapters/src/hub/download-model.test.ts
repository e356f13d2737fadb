import { mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type DownloadOptions, type DownloadProgress, downloadModel } from './download-model.ts';
import { type Fault, gitDigest, type LocalHub, localHub, sha256 } from './hub.fixture.ts';
import { type HubSettings, hubSettings } from './settings.ts';

const weights = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7 + (index >> 8)) % 256));
const files = {
  'config.json': '{"model_type":"bert"}',
  'tokenizer.json': '{}',
  'README.md': '---\nlicense: mit\n---\n',
  'model.safetensors': weights,
  'pytorch_model.bin': 'never to be fetched',
  'onnx/model.onnx': 'nor this',
};
const model = { owner: 'acme', name: 'tiny', revision: 'main' };

let hub: LocalHub;
let cache: string;
let settings: HubSettings;
beforeEach(async () => {
  hub = await localHub(files);
  cache = await mkdtemp(join(tmpdir(), 'llambert-hub-'));
  const patience = { tries: 3, firstRestMs: 1, silenceMs: 20_000 };
  settings = { ...hubSettings({ HF_ENDPOINT: hub.endpoint, HF_HUB_CACHE: cache }), patience };
});
afterEach(async () => {
  await hub.close();
  await rm(cache, { recursive: true, force: true });
});

const download = (options: DownloadOptions = {}, own: Partial<typeof model> = {}) => downloadModel({ ...model, ...own }, settings, options);
const blobs = () => readdir(join(cache, 'models--acme--tiny/blobs')).catch(() => []);
const refusal = (code: string, message: RegExp, retryable = false) =>
  expect.objectContaining({ code, retryable, message: expect.stringMatching(message) });
/** Faults for the requests of the weights from their store, one after the other; none when they are used up. */
const weightFaults = (...faults: (Fault | null)[]) => {
  hub.fault = (asked) => (asked.host === 'store' ? (faults.shift() ?? null) : null);
};
const weightRanges = () => hub.asked.filter((asked) => asked.host === 'store').map((asked) => asked.range);

describe('a model of the hub', () => {
  it('is laid out as huggingface_hub does it, with the files that an encoder needs', async () => {
    const downloaded = await download();
    expect(downloaded).toEqual({ folder: join(cache, 'models--acme--tiny/snapshots', hub.commit), commit: hub.commit, unverified: false });
    expect((await readdir(downloaded.folder)).sort()).toEqual(['README.md', 'config.json', 'model.safetensors', 'tokenizer.json']);
    expect(await readFile(join(downloaded.folder, 'model.safetensors'))).toEqual(weights);
    expect(await readlink(join(downloaded.folder, 'model.safetensors'))).toBe(`../../blobs/${sha256(weights)}`);
    expect(await readlink(join(downloaded.folder, 'config.json'))).toBe(`../../blobs/${gitDigest(Buffer.from(files['config.json']))}`);
    expect(await readFile(join(cache, 'models--acme--tiny/refs/main'), 'utf8')).toBe(hub.commit);
    expect((await blobs()).length).toBe(4);
  });

  it('is not fetched twice, and at a commit not even asked for', async () => {
    await download();
    hub.asked.length = 0;
    await download();
    expect(hub.asked.map(({ path }) => path)).toEqual(['/api/models/acme/tiny/revision/main']);
    await download({}, { revision: hub.commit });
    expect(hub.asked.length).toBe(1);
  });

  it('of a new commit shares what did not change', async () => {
    await download();
    hub.commit = 'd'.repeat(40);
    hub.files.set('README.md', Buffer.from('---\nlicense: apache-2.0\n---\n'));
    hub.asked.length = 0;
    const { folder } = await download();
    expect(await readFile(join(folder, 'README.md'), 'utf8')).toContain('apache-2.0');
    expect(weightRanges()).toEqual([]);
    expect(await readFile(join(cache, 'models--acme--tiny/refs/main'), 'utf8')).toBe(hub.commit);
  });

  it('of another revision has a ref of its own', async () => {
    await download({}, { revision: 'refs/pr/1' });
    expect(await readFile(join(cache, 'models--acme--tiny/refs/refs/pr/1'), 'utf8')).toBe(hub.commit);
  });

  it('in shards comes whole', async () => {
    hub.files.delete('model.safetensors');
    const shards = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
    for (const name of shards) hub.files.set(name, Buffer.from(name));
    hub.files.set('other.safetensors', Buffer.from('not of the index'));
    hub.files.set(
      'model.safetensors.index.json',
      Buffer.from(JSON.stringify({ weight_map: { a: shards[1], b: shards[0], c: shards[1] } })),
    );
    const { folder } = await download();
    expect((await readdir(folder)).filter((name) => name.endsWith('.safetensors'))).toEqual(shards);
    await hub.close();
    expect(await download()).toMatchObject({ unverified: true });
    await rm(join(folder, shards[0]!));
    await expect(download()).rejects.toEqual(refusal('hub_unreachable', /ECONNREFUSED/, true));
  });

  it('tells how far it is', async () => {
    const seen: DownloadProgress[] = [];
    await download({ onProgress: (progress) => seen.push(progress) });
    const own = seen.filter(({ file }) => file === 'model.safetensors');
    expect(own.at(-1)).toEqual({ file: 'model.safetensors', doneBytes: weights.length, totalBytes: weights.length });
    expect(own.map(({ doneBytes }) => doneBytes)).toEqual(own.map(({ doneBytes }) => doneBytes).sort((left, right) => left - right));
  });

  it('can be refused before its weights are fetched', async () => {
    const beforeWeights = async (folder: string) => {
      throw new Error(`not this one: ${await readFile(join(folder, 'config.json'), 'utf8')}`);
    };
    await expect(download({ beforeWeights })).rejects.toThrow(/not this one: .*bert/);
    expect(weightRanges()).toEqual([]);
  });
});

describe('a connection that breaks', () => {
  it('goes on where it was', async () => {
    weightFaults({ cutAfter: 100_000 }, { cutAfter: 50_000 });
    const { folder } = await download();
    expect(await readFile(join(folder, 'model.safetensors'))).toEqual(weights);
    const [first, ...later] = weightRanges();
    expect(first).toBeNull();
    expect(later.length).toBe(2);
    for (const range of later) expect(range).toMatch(/^bytes=\d+-$/);
  });

  it('may break ever again as long as bytes come, and not without any', async () => {
    weightFaults(...Array.from({ length: 10 }, () => ({ cutAfter: 20_000 })));
    await download();
    await rm(cache, { recursive: true });
    weightFaults(...Array.from({ length: 3 }, () => ({ cutAfter: 0 })));
    await expect(download()).rejects.toEqual(refusal('hub_unreachable', new RegExp(`${hub.endpoint} cannot be reached, or cut`), true));
  });

  it('leaves what came to the next download', async () => {
    weightFaults({ cutAfter: 100_000 }, { status: 503 }, { status: 503 });
    await expect(download()).rejects.toEqual(refusal('hub_unreachable', /HTTP 503/, true));
    expect((await blobs()).filter((name) => name.endsWith('.incomplete')).length).toBe(1);
    expect(await readdir(join(cache, 'models--acme--tiny'))).not.toContain('refs');
    hub.asked.length = 0;
    const seen: DownloadProgress[] = [];
    const { folder } = await download({ onProgress: (progress) => seen.push(progress) });
    expect(await readFile(join(folder, 'model.safetensors'))).toEqual(weights);
    expect(weightRanges()).toEqual([expect.stringMatching(/^bytes=[1-9]\d*-$/)]);
    expect(seen[0]!.doneBytes).toBeGreaterThan(0);
    expect((await blobs()).some((name) => name.endsWith('.incomplete'))).toBe(false);
  });

  it('leaves what a killed process fetched, and takes nothing from one that lives', async () => {
    const host = (await import('node:os')).hostname().replace(/\W/g, '_');
    const folder = join(cache, 'models--acme--tiny/blobs');
    await mkdir(folder, { recursive: true });
    // No process has this id: it is beyond the largest that Linux gives. The other one is the parent of this test.
    const dead = join(folder, `${sha256(weights)}.${host}-${2 ** 22 + 1}-0-0.incomplete`);
    const living = join(folder, `${sha256(weights)}.${host}-${process.ppid}-0-0.incomplete`);
    await writeFile(dead, weights.subarray(0, 1000));
    await writeFile(living, weights.subarray(0, 2000));
    await download();
    expect(weightRanges()).toEqual(['bytes=1000-']);
    expect((await blobs()).filter((name) => name.endsWith('.incomplete'))).toEqual([living.split('/').at(-1)]);
  });

  it('starts over where a server does not continue', async () => {
    weightFaults({ cutAfter: 100_000 }, { ignoresRange: true });
    expect(await readFile(join((await download()).folder, 'model.safetensors'))).toEqual(weights);
    await rm(cache, { recursive: true });
    weightFaults({ cutAfter: 100_000 }, { status: 416 });
    expect(await readFile(join((await download()).folder, 'model.safetensors'))).toEqual(weights);
  });

  it('that falls silent is given up', async () => {
    settings = { ...settings, patience: { ...settings.patience, silenceMs: 50 } };
    hub.fault = (asked) => (asked.path.startsWith('/api/models') ? { silent: true } : null);
    await expect(download()).rejects.toEqual(refusal('hub_unreachable', /no byte for 0\.05 s/, true));
    expect(hub.asked.length).toBe(3);
  });

  it('is tried again after the rest that a busy server asks for', async () => {
    let refused = 2;
    hub.fault = (asked) => (asked.method === 'HEAD' && refused-- > 0 ? { status: 429, headers: { 'retry-after': '0' } } : null);
    await download();
  });
});

describe('contents', () => {
  it('with a wrong digest are fetched once more, and then thrown away', async () => {
    weightFaults({ changed: true });
    expect(await readFile(join((await download()).folder, 'model.safetensors'))).toEqual(weights);
    await rm(cache, { recursive: true });
    weightFaults({ changed: true }, { changed: true });
    await expect(download()).rejects.toEqual(refusal('corrupt_artifact', /model\.safetensors of hf:acme\/tiny came with the digest/));
    expect((await blobs()).length).toBe(3);
    hub.fault = (asked) => (asked.path.endsWith('config.json') ? { changed: true } : null);
    await rm(cache, { recursive: true });
    await expect(download()).rejects.toEqual(refusal('corrupt_artifact', /config\.json of hf/));
    expect(await blobs()).toEqual([]);
  });

  it('that are longer than announced never fill the disk', async () => {
    weightFaults({ tooLong: true }, { tooLong: true }, { tooLong: true });
    await expect(download()).rejects.toEqual(refusal('hub_unreachable', /longer than the 300000 bytes announced/, true));
  });

  it('that the disk cannot hold are not begun', async () => {
    hub.fault = (asked) =>
      asked.method === 'HEAD' && asked.path.endsWith('.safetensors')
        ? { status: 200, headers: { 'x-linked-etag': `"${'a'.repeat(64)}"`, 'x-linked-size': '999999999999999' } }
        : null;
    await expect(download()).rejects.toEqual(refusal('disk_full', /needs 1,000,000,000 MB more, and .* has room for .*HF_HUB_CACHE/));
    expect(weightRanges()).toEqual([]);
  });
});

describe('a token', () => {
  it('goes to the hub, and never to the host that it redirects to', async () => {
    hub.token = 'hf_secret';
    settings = { ...settings, token: 'hf_secret' };
    await download();
    expect(hub.asked.filter(({ host }) => host === 'hub').every(({ authorization }) => authorization === 'Bearer hf_secret')).toBe(true);
    expect(hub.asked.filter(({ host }) => host === 'store').map(({ authorization }) => authorization)).toEqual([null]);
  });

  it.each<[string, number, string | null, string, RegExp]>([
    [
      'a model one may not see',
      401,
      'RepoNotFound',
      'not_found',
      /shows no model acme\/tiny: check the name, .* check that the token in HF_TOKEN is valid/,
    ],
    ['a wrong token', 401, null, 'hub_refused_credentials', /refuses hf:acme\/tiny \(HTTP 401\)/],
    [
      'a gated model',
      403,
      'GatedRepo',
      'hub_refused_credentials',
      /is gated: accept its terms at http:\/\/127.*\/acme\/tiny with your account/,
    ],
    ['a refusal', 403, null, 'hub_refused_credentials', /HTTP 403/],
    ['no such model', 404, 'RepoNotFound', 'not_found', /shows no model acme\/tiny/],
    ['no such revision', 404, 'RevisionNotFound', 'not_found', /no revision "main": write a branch, a tag or a whole commit/],
    ['no such page', 404, null, 'not_found', /shows no model/],
    ['a teapot', 418, null, 'not_found', /HTTP 418/],
  ])('%s: HTTP %i %s is %s, in words without it', async (_, status, reason, code, message) => {
    settings = { ...settings, token: 'hf_secret' };
    hub.fault = () => ({ status, ...(reason === null ? {} : { headers: { 'x-error-code': reason } }) });
    const error: unknown = await download().catch((thrown: unknown) => thrown);
    expect(error).toEqual(refusal(code, message));
    expect(hub.asked.length).toBe(1);
    expect(JSON.stringify([error, String((error as Error).stack), (error as Error).cause])).not.toContain('hf_secret');
  });

  it('is asked for where there is none', async () => {
    hub.token = 'hf_secret';
    await expect(download()).rejects.toEqual(refusal('not_found', /set HF_TOKEN to a token that may read it/));
    hub.token = null;
    hub.fault = (asked) => (asked.path.endsWith('config.json') ? { status: 401, headers: { 'x-error-code': 'GatedRepo' } } : null);
    await expect(download()).rejects.toEqual(refusal('hub_refused_credentials', /gated: accept .* and set HF_TOKEN/));
  });
});

describe('without the hub', () => {
  it('the cache is used where it is whole', async () => {
    const { folder } = await download();
    const old = hub.commit;
    await hub.close();
    expect(await download()).toEqual({ folder, commit: old, unverified: true });
    settings = { ...settings, offline: true };
    expect(await download()).toEqual({ folder, commit: old, unverified: true });
    expect(await download({}, { revision: old })).toEqual({ folder, commit: old, unverified: false });
    await rm(join(folder, 'tokenizer.json'));
    await expect(download()).rejects.toEqual(refusal('not_found', /not, or not wholly, in the cache .*HF_HUB_OFFLINE/));
    settings = { ...settings, offline: false };
    await expect(download()).rejects.toEqual(refusal('hub_unreachable', /cannot be reached/, true));
  });

  it('an older whole snapshot is found, not the half of a newer one', async () => {
    const { folder } = await download();
    hub.commit = 'd'.repeat(40);
    hub.files.set('model.safetensors', Buffer.from('new weights'));
    weightFaults(...Array.from({ length: 3 }, () => ({ cutAfter: 0 })));
    await expect(download()).rejects.toEqual(refusal('hub_unreachable', /cut/, true));
    settings = { ...settings, offline: true };
    expect(await download()).toMatchObject({ folder, unverified: true });
  });

  it('offline asks nothing of anybody', async () => {
    settings = { ...settings, offline: true };
    await expect(download()).rejects.toEqual(refusal('not_found', /HF_HUB_OFFLINE/));
    expect(hub.asked).toEqual([]);
  });
});

describe('a model that no encoder can be made of is refused before it is fetched', () => {
  it.each<[string, string[], string, RegExp]>([
    [
      'a pickle',
      ['model.safetensors'],
      'invalid_input',
      /pytorch_model\.bin only[\s\S]*AutoModel\.from_pretrained\("acme\/tiny"\)\.save_pretrained/,
    ],
    ['no weights', ['model.safetensors', 'pytorch_model.bin'], 'not_found', /neither model\.safetensors nor/],
    ['no tokenizer.json', ['tokenizer.json'], 'invalid_input', /no tokenizer\.json[\s\S]*AutoTokenizer/],
    ['no config.json', ['config.json'], 'not_found', /no config\.json/],
  ])('%s', async (_, missing, code, message) => {
    for (const name of missing) hub.files.delete(name);
    await expect(download()).rejects.toEqual(refusal(code, message));
    expect(hub.asked.length).toBe(1);
    expect(await readdir(cache)).toEqual([]);
  });

  it('an index that leads elsewhere', async () => {
    hub.files.delete('model.safetensors');
    hub.files.set('model.safetensors.index.json', Buffer.from('{"weight_map":{"a":"../../x.safetensors"}}'));
    await expect(download()).rejects.toEqual(refusal('corrupt_artifact', /names no shards beside it/));
  });

  it('a server that is no hub', async () => {
    hub.fault = () => ({ status: 200 });
    await expect(download()).rejects.toEqual(refusal('invalid_input', /does not answer like a Hugging Face hub: .*HF_ENDPOINT/));
    hub.fault = () => ({ status: 302, headers: { location: '/again' } });
    await expect(download()).rejects.toEqual(refusal('invalid_input', /redirects more than 5 times/));
    hub.fault = () => ({ status: 302, headers: { location: 'file:///etc/passwd' } });
    await expect(download()).rejects.toEqual(refusal('invalid_input', /no http\(s\) address/));
    hub.fault = (asked) => (asked.method === 'HEAD' ? { status: 200, headers: { etag: '"../../x"' } } : null);
    await expect(download()).rejects.toEqual(refusal('invalid_input', /no usable etag/));
  });
});

describe('downloads', () => {
  it('side by side do no harm', async () => {
    const folders = await Promise.all([download(), download(), download()]);
    for (const { folder } of folders) expect(await readFile(join(folder, 'model.safetensors'))).toEqual(weights);
    expect((await blobs()).length).toBe(4);
    expect((await readdir(folders[0]!.folder)).length).toBe(4);
  });

  it('stop on request, and go on later', async () => {
    const controller = new AbortController();
    weightFaults({ cutAfter: 100_000 });
    const stopping = download({
      signal: controller.signal,
      onProgress: ({ file, doneBytes }) => {
        if (file === 'model.safetensors' && doneBytes > 0) controller.abort();
      },
    });
    await expect(stopping).rejects.toEqual(refusal('cancelled', /goes on where it was/));
    hub.asked.length = 0;
    await download();
    expect(weightRanges()).toEqual([expect.stringMatching(/^bytes=[1-9]/)]);
  });

  it('into a folder that cannot be one say so', async () => {
    await writeFile(join(cache, 'file'), '');
    settings = { ...settings, cacheFolder: join(cache, 'file') };
    await expect(download()).rejects.toEqual(refusal('invalid_input', /cannot be written to \(ENOTDIR\): set HF_HUB_CACHE/));
  });
});
