import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HubAndCache, openHubAndCache } from './download.fixture.ts';

let own: HubAndCache;
beforeEach(async () => {
  own = await openHubAndCache();
});
afterEach(() => own.close());

const refusal = (code: string, message: RegExp, retryable = false) =>
  expect.objectContaining({ code, retryable, message: expect.stringMatching(message) });

describe('a token', () => {
  it('goes to the hub, and never to the host that it redirects to', async () => {
    own.hub.token = 'hf_secret';
    own.settings = { ...own.settings, token: 'hf_secret' };
    await own.download();
    expect(own.hub.asked.filter(({ host }) => host === 'hub').every(({ authorization }) => authorization === 'Bearer hf_secret')).toBe(
      true,
    );
    expect(own.hub.asked.filter(({ host }) => host === 'store').map(({ authorization }) => authorization)).toEqual([null]);
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
    own.settings = { ...own.settings, token: 'hf_secret' };
    own.hub.fault = () => ({ status, ...(reason === null ? {} : { headers: { 'x-error-code': reason } }) });
    const error: unknown = await own.download().catch((thrown: unknown) => thrown);
    expect(error).toEqual(refusal(code, message));
    expect(own.hub.asked.length).toBe(1);
    expect(JSON.stringify([error, String((error as Error).stack), (error as Error).cause])).not.toContain('hf_secret');
  });

  it('is asked for where there is none', async () => {
    own.hub.token = 'hf_secret';
    await expect(own.download()).rejects.toEqual(refusal('not_found', /set HF_TOKEN to a token that may read it/));
    own.hub.token = null;
    own.hub.fault = (asked) => (asked.path.endsWith('config.json') ? { status: 401, headers: { 'x-error-code': 'GatedRepo' } } : null);
    await expect(own.download()).rejects.toEqual(refusal('hub_refused_credentials', /gated: accept .* and set HF_TOKEN/));
  });
});

describe('without the hub', () => {
  it('the cache is used where it is whole', async () => {
    const { folder } = await own.download();
    const old = own.hub.commit;
    await own.hub.close();
    expect(await own.download()).toEqual({ folder, commit: old, unverified: true });
    own.settings = { ...own.settings, offline: true };
    expect(await own.download()).toEqual({ folder, commit: old, unverified: true });
    expect(await own.download({}, old)).toEqual({ folder, commit: old, unverified: false });
    await rm(join(folder, 'tokenizer.json'));
    await expect(own.download()).rejects.toEqual(refusal('not_found', /not, or not wholly, in the cache .*HF_HUB_OFFLINE/));
    own.settings = { ...own.settings, offline: false };
    await expect(own.download()).rejects.toEqual(refusal('hub_unreachable', /cannot be reached/, true));
  });

  it('an older whole snapshot is found, not the half of a newer one', async () => {
    const { folder } = await own.download();
    own.hub.commit = 'd'.repeat(40);
    own.hub.files.set('model.safetensors', Buffer.from('new weights'));
    own.weightFaults(...Array.from({ length: 3 }, () => ({ cutAfter: 0 })));
    await expect(own.download()).rejects.toEqual(refusal('hub_unreachable', /cut/, true));
    own.settings = { ...own.settings, offline: true };
    expect(await own.download()).toMatchObject({ folder, unverified: true });
  });

  it('offline asks nothing of anybody', async () => {
    own.settings = { ...own.settings, offline: true };
    await expect(own.download()).rejects.toEqual(refusal('not_found', /HF_HUB_OFFLINE/));
    expect(own.hub.asked).toEqual([]);
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
    for (const name of missing) own.hub.files.delete(name);
    await expect(own.download()).rejects.toEqual(refusal(code, message));
    expect(own.hub.asked.length).toBe(1);
    expect(await readdir(own.cache)).toEqual([]);
  });

  it('an index that leads elsewhere', async () => {
    own.hub.files.delete('model.safetensors');
    own.hub.files.set('model.safetensors.index.json', Buffer.from('{"weight_map":{"a":"../../x.safetensors"}}'));
    await expect(own.download()).rejects.toEqual(refusal('corrupt_artifact', /names no shards beside it/));
  });

  it('a server that is no hub', async () => {
    own.hub.fault = () => ({ status: 200 });
    await expect(own.download()).rejects.toEqual(refusal('invalid_input', /does not answer like a Hugging Face hub: .*HF_ENDPOINT/));
    own.hub.fault = () => ({ status: 302, headers: { location: '/again' } });
    await expect(own.download()).rejects.toEqual(refusal('invalid_input', /redirects more than 5 times/));
    own.hub.fault = () => ({ status: 302, headers: { location: 'file:///etc/passwd' } });
    await expect(own.download()).rejects.toEqual(refusal('invalid_input', /no http\(s\) address/));
    own.hub.fault = (asked) => (asked.method === 'HEAD' ? { status: 200, headers: { etag: '"../../x"' } } : null);
    await expect(own.download()).rejects.toEqual(refusal('invalid_input', /no usable etag/));
  });
});
