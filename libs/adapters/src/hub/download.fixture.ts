import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DownloadedModel, type DownloadOptions, downloadModel } from './download-model.ts';
import { type Fault, type LocalHub, localHub } from './hub.fixture.ts';
import { type HubSettings, hubSettings } from './settings.ts';

export const weights = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7 + (index >> 8)) % 256));
export const files = {
  'config.json': '{"model_type":"bert"}',
  'tokenizer.json': '{}',
  'README.md': '---\nlicense: mit\n---\n',
  'model.safetensors': weights,
  'pytorch_model.bin': 'never to be fetched',
  'onnx/model.onnx': 'nor this',
};

/** A hub with one model, and an empty cache. */
export interface HubAndCache {
  readonly hub: LocalHub;
  readonly cache: string;
  settings: HubSettings;
  download(options?: DownloadOptions, revision?: string): Promise<DownloadedModel>;
  /** What the cache has under `blobs`. */
  blobs(): Promise<string[]>;
  /** Faults for the requests of the weights from their store, one after the other; none when they are used up. */
  weightFaults(...faults: Fault[]): void;
  /** The ranges of the requests for the weights. */
  weightRanges(): (string | null)[];
  close(): Promise<void>;
}

export async function openHubAndCache(): Promise<HubAndCache> {
  const hub = await localHub(files);
  const cache = await mkdtemp(join(tmpdir(), 'llambert-hub-'));
  const patience = { tries: 3, firstRestMs: 1, silenceMs: 20_000 };
  const own: HubAndCache = {
    hub,
    cache,
    settings: { ...hubSettings({ HF_ENDPOINT: hub.endpoint, HF_HUB_CACHE: cache }), patience },
    download: (options = {}, revision = 'main') => downloadModel({ owner: 'acme', name: 'tiny', revision }, own.settings, options),
    blobs: () => readdir(join(cache, 'models--acme--tiny/blobs')).catch(() => []),
    weightFaults(...faults) {
      hub.fault = (asked) => (asked.host === 'store' ? (faults.shift() ?? null) : null);
    },
    weightRanges: () => hub.asked.filter((asked) => asked.host === 'store').map((asked) => asked.range),
    async close() {
      await hub.close();
      await rm(cache, { recursive: true, force: true });
    },
  };
  return own;
}
