import { describe, expect, it } from 'vitest';
import { hubSettings } from './settings.ts';

describe('the settings of the hub', () => {
  it('are those of huggingface_hub where nothing is said', () => {
    expect(hubSettings({}, '/home/me')).toMatchObject({
      endpoint: 'https://huggingface.co',
      cacheFolder: '/home/me/.cache/huggingface/hub',
      token: null,
      offline: false,
    });
  });

  it.each<[Record<string, string>, string]>([
    [{ HF_HOME: '/data/hf' }, '/data/hf/hub'],
    [{ HF_HOME: '~/hf' }, '/home/me/hf/hub'],
    [{ XDG_CACHE_HOME: '/cache' }, '/cache/huggingface/hub'],
    [{ HF_HUB_CACHE: '/models', HF_HOME: '/data/hf' }, '/models'],
    [{ HF_HUB_CACHE: '', HF_HOME: ' ' }, '/home/me/.cache/huggingface/hub'],
  ])('%j keep the cache in %s', (environment, folder) => {
    expect(hubSettings(environment, '/home/me').cacheFolder).toBe(folder);
  });

  it.each(['1', 'true', 'YES', 'On'])('HF_HUB_OFFLINE=%s forbids requests', (value) => {
    expect(hubSettings({ HF_HUB_OFFLINE: value }).offline).toBe(true);
  });

  it.each(['', '0', 'false'])('HF_HUB_OFFLINE=%s does not', (value) => {
    expect(hubSettings({ HF_HUB_OFFLINE: value }).offline).toBe(false);
  });

  it('take an endpoint with a path and a token with a line break behind it', () => {
    const settings = hubSettings({ HF_ENDPOINT: 'https://mirror.example/hub//', HF_TOKEN: 'hf_secret\n' });
    expect(settings).toMatchObject({ endpoint: 'https://mirror.example/hub', token: 'hf_secret' });
  });

  it.each([
    { HF_ENDPOINT: 'huggingface.co' },
    { HF_ENDPOINT: 'file:///models' },
    { HF_ENDPOINT: 'https://me:hf_secret@mirror.example' },
    { HF_ENDPOINT: 'https://mirror.example?token=hf_secret' },
    { HF_TOKEN: 'hf_secret hf_secret' },
    { HF_TOKEN: 'hf_secret\u00e9' },
  ])('%j are refused without a word of the secret', (environment) => {
    const read = () => hubSettings(environment);
    expect(read).toThrow(expect.objectContaining({ code: 'invalid_input' }));
    expect(read).not.toThrow(/hf_secret/);
    expect(read).toThrow(new RegExp(`^${Object.keys(environment)[0]}`));
  });
});
