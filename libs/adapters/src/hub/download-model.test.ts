import { mkdir, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { files, type HubAndCache, openHubAndCache, weights } from './download.fixture.ts';
import type { DownloadProgress } from './download-model.ts';
import { gitDigest, sha256 } from './hub.fixture.ts';

let own: HubAndCache;
beforeEach(async () => {
  own = await openHubAndCache();
});
afterEach(() => own.close());

const refusal = (code: string, message: RegExp, retryable = false) =>
  expect.objectContaining({ code, retryable, message: expect.stringMatching(message) });

describe('a model of the hub', () => {
  it('is laid out as huggingface_hub does it, with the files that an encoder needs', async () => {
    const downloaded = await own.download();
    expect(downloaded).toEqual({
      folder: join(own.cache, 'models--acme--tiny/snapshots', own.hub.commit),
      commit: own.hub.commit,
      unverified: false,
    });
    expect((await readdir(downloaded.folder)).sort()).toEqual(['README.md', 'config.json', 'model.safetensors', 'tokenizer.json']);
    expect((await readFile(join(downloaded.folder, 'model.safetensors'))).equals(weights)).toBe(true);
    expect(await readlink(join(downloaded.folder, 'model.safetensors'))).toBe(`../../blobs/${sha256(weights)}`);
    expect(await readlink(join(downloaded.folder, 'config.json'))).toBe(`../../blobs/${gitDigest(Buffer.from(files['config.json']))}`);
    expect(await readFile(join(own.cache, 'models--acme--tiny/refs/main'), 'utf8')).toBe(own.hub.commit);
    expect((await own.blobs()).length).toBe(4);
  });

  it('is not fetched twice, and at a commit not even asked for', async () => {
    await own.download();
    own.hub.asked.length = 0;
    await own.download();
    expect(own.hub.asked.map(({ path }) => path)).toEqual(['/api/models/acme/tiny/revision/main']);
    await own.download({}, own.hub.commit);
    expect(own.hub.asked.length).toBe(1);
  });

  it('of a new commit shares what did not change', async () => {
    await own.download();
    own.hub.commit = 'd'.repeat(40);
    own.hub.files.set('README.md', Buffer.from('---\nlicense: apache-2.0\n---\n'));
    own.hub.asked.length = 0;
    const { folder } = await own.download();
    expect(await readFile(join(folder, 'README.md'), 'utf8')).toContain('apache-2.0');
    expect(own.weightRanges()).toEqual([]);
    expect(await readFile(join(own.cache, 'models--acme--tiny/refs/main'), 'utf8')).toBe(own.hub.commit);
  });

  it('of another revision has a ref of its own', async () => {
    await own.download({}, 'refs/pr/1');
    expect(await readFile(join(own.cache, 'models--acme--tiny/refs/refs/pr/1'), 'utf8')).toBe(own.hub.commit);
  });

  it('in shards comes whole', async () => {
    own.hub.files.delete('model.safetensors');
    const shards = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
    for (const name of shards) own.hub.files.set(name, Buffer.from(name));
    own.hub.files.set('other.safetensors', Buffer.from('not of the index'));
    own.hub.files.set(
      'model.safetensors.index.json',
      Buffer.from(JSON.stringify({ weight_map: { a: shards[1], b: shards[0], c: shards[1] } })),
    );
    const { folder } = await own.download();
    expect((await readdir(folder)).filter((name) => name.endsWith('.safetensors'))).toEqual(shards);
    await own.hub.close();
    expect(await own.download()).toMatchObject({ unverified: true });
    await rm(join(folder, shards[0]!));
    await expect(own.download()).rejects.toEqual(refusal('hub_unreachable', /ECONNREFUSED/, true));
  });

  it('tells how far it is', async () => {
    const seen: DownloadProgress[] = [];
    await own.download({ onProgress: (progress) => seen.push(progress) });
    const weighed = seen.filter(({ file }) => file === 'model.safetensors');
    expect(weighed.at(-1)).toEqual({ file: 'model.safetensors', doneBytes: weights.length, totalBytes: weights.length });
    expect(weighed.map(({ doneBytes }) => doneBytes)).toEqual(
      weighed.map(({ doneBytes }) => doneBytes).sort((left, right) => left - right),
    );
  });

  it('can be refused before its weights are fetched', async () => {
    const beforeWeights = async (folder: string) => {
      throw new Error(`not this one: ${await readFile(join(folder, 'config.json'), 'utf8')}`);
    };
    await expect(own.download({ beforeWeights })).rejects.toThrow(/not this one: .*bert/);
    expect(own.weightRanges()).toEqual([]);
  });
});

describe('a connection that breaks', () => {
  it('goes on where it was', async () => {
    own.weightFaults({ cutAfter: 100_000 }, { cutAfter: 50_000 });
    const { folder } = await own.download();
    expect((await readFile(join(folder, 'model.safetensors'))).equals(weights)).toBe(true);
    const [first, ...later] = own.weightRanges();
    expect(first).toBeNull();
    expect(later.length).toBe(2);
    for (const range of later) expect(range).toMatch(/^bytes=\d+-$/);
  });

  it('may break ever again as long as bytes come, and not without any', async () => {
    own.weightFaults(...Array.from({ length: 10 }, () => ({ cutAfter: 20_000 })));
    await own.download();
    await rm(own.cache, { recursive: true });
    own.weightFaults(...Array.from({ length: 3 }, () => ({ cutAfter: 0 })));
    await expect(own.download()).rejects.toEqual(
      refusal('hub_unreachable', new RegExp(`${own.hub.endpoint} cannot be reached, or cut`), true),
    );
  });

  it('leaves what came to the next download', async () => {
    own.weightFaults({ cutAfter: 100_000 }, { status: 503 }, { status: 503 });
    await expect(own.download()).rejects.toEqual(refusal('hub_unreachable', /HTTP 503/, true));
    expect((await own.blobs()).filter((name) => name.endsWith('.incomplete')).length).toBe(1);
    expect(await readdir(join(own.cache, 'models--acme--tiny'))).not.toContain('refs');
    own.hub.asked.length = 0;
    const seen: DownloadProgress[] = [];
    const { folder } = await own.download({ onProgress: (progress) => seen.push(progress) });
    expect((await readFile(join(folder, 'model.safetensors'))).equals(weights)).toBe(true);
    expect(own.weightRanges()).toEqual([expect.stringMatching(/^bytes=[1-9]\d*-$/)]);
    expect(seen[0]!.doneBytes).toBeGreaterThan(0);
    expect((await own.blobs()).some((name) => name.endsWith('.incomplete'))).toBe(false);
  });

  it('leaves what a killed process fetched, and takes nothing from one that lives', async () => {
    const host = hostname().replace(/\W/g, '_');
    const folder = join(own.cache, 'models--acme--tiny/blobs');
    await mkdir(folder, { recursive: true });
    // No process has this id: it is beyond the largest that Linux gives. The other one is the parent of this test.
    const dead = join(folder, `${sha256(weights)}.${host}-${2 ** 22 + 1}-0-0.incomplete`);
    const living = join(folder, `${sha256(weights)}.${host}-${process.ppid}-0-0.incomplete`);
    await writeFile(dead, weights.subarray(0, 1000));
    await writeFile(living, weights.subarray(0, 2000));
    await own.download();
    expect(own.weightRanges()).toEqual(['bytes=1000-']);
    expect((await own.blobs()).filter((name) => name.endsWith('.incomplete'))).toEqual([living.split('/').at(-1)]);
  });

  it('starts over where a server does not continue', async () => {
    own.weightFaults({ cutAfter: 100_000 }, { ignoresRange: true });
    expect((await readFile(join((await own.download()).folder, 'model.safetensors'))).equals(weights)).toBe(true);
    expect(own.weightRanges().length).toBe(2);
    await rm(own.cache, { recursive: true });
    own.weightFaults({ cutAfter: 100_000 }, { status: 416 });
    expect((await readFile(join((await own.download()).folder, 'model.safetensors'))).equals(weights)).toBe(true);
  });

  it('that falls silent is given up', async () => {
    own.settings = { ...own.settings, patience: { ...own.settings.patience, silenceMs: 50 } };
    own.hub.fault = (asked) => (asked.path.startsWith('/api/models') ? { silent: true } : null);
    await expect(own.download()).rejects.toEqual(refusal('hub_unreachable', /no byte for 0\.05 s/, true));
    expect(own.hub.asked.length).toBe(3);
  });

  it('is tried again after the rest that a busy server asks for', async () => {
    let refused = 2;
    own.hub.fault = (asked) => (asked.method === 'HEAD' && refused-- > 0 ? { status: 429, headers: { 'retry-after': '0' } } : null);
    await own.download();
  });
});

describe('contents', () => {
  it('with a wrong digest are fetched once more, and then thrown away', async () => {
    own.weightFaults({ changed: true });
    expect((await readFile(join((await own.download()).folder, 'model.safetensors'))).equals(weights)).toBe(true);
    await rm(own.cache, { recursive: true });
    own.weightFaults({ changed: true }, { changed: true });
    await expect(own.download()).rejects.toEqual(refusal('corrupt_artifact', /model\.safetensors of hf:acme\/tiny came with the digest/));
    expect((await own.blobs()).length).toBe(3);
    own.hub.fault = (asked) => (asked.path.endsWith('config.json') ? { changed: true } : null);
    await rm(own.cache, { recursive: true });
    await expect(own.download()).rejects.toEqual(refusal('corrupt_artifact', /config\.json of hf/));
    expect(await own.blobs()).toEqual([]);
  });

  it('that are longer than announced never fill the disk', async () => {
    own.weightFaults({ tooLong: true }, { tooLong: true }, { tooLong: true });
    await expect(own.download()).rejects.toEqual(refusal('hub_unreachable', /longer than the 300000 bytes announced/, true));
  });

  it('that the disk cannot hold are not begun', async () => {
    own.hub.fault = (asked) =>
      asked.method === 'HEAD' && asked.path.endsWith('.safetensors')
        ? { status: 200, headers: { 'x-linked-etag': `"${'a'.repeat(64)}"`, 'x-linked-size': '999999999999999' } }
        : null;
    await expect(own.download()).rejects.toEqual(refusal('disk_full', /needs 1,000,000,000 MB more, and .* has room for .*HF_HUB_CACHE/));
    expect(own.weightRanges()).toEqual([]);
  });
});

describe('downloads', () => {
  it('side by side do no harm', async () => {
    const folders = await Promise.all([own.download(), own.download(), own.download()]);
    for (const { folder } of folders) expect((await readFile(join(folder, 'model.safetensors'))).equals(weights)).toBe(true);
    expect((await own.blobs()).length).toBe(4);
    expect((await readdir(folders[0]!.folder)).length).toBe(4);
  });

  it('stop on request, and go on later', async () => {
    const controller = new AbortController();
    own.weightFaults({ cutAfter: 100_000 });
    const stopping = own.download({
      signal: controller.signal,
      onProgress: ({ file, doneBytes }) => {
        if (file === 'model.safetensors' && doneBytes > 0) controller.abort();
      },
    });
    await expect(stopping).rejects.toEqual(refusal('cancelled', /goes on where it was/));
    own.hub.asked.length = 0;
    await own.download();
    expect(own.weightRanges()).toEqual([expect.stringMatching(/^bytes=[1-9]/)]);
  });

  it('into a folder that cannot be one say so', async () => {
    await writeFile(join(own.cache, 'file'), '');
    own.settings = { ...own.settings, cacheFolder: join(own.cache, 'file') };
    await expect(own.download()).rejects.toEqual(refusal('invalid_input', /cannot be written to \(ENOTDIR\): set HF_HUB_CACHE/));
  });
});
