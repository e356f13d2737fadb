import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EncoderSettings, readSettings, settingsText } from './files.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'llambert-settings-'));
});
afterAll(() => rm(folder, { recursive: true }));

const count = fc.integer({ min: 1 });
const settings: fc.Arbitrary<EncoderSettings> = fc.record({
  pooling: fc.constantFrom('first', 'mean'),
  pairs: fc.boolean(),
  labels: count,
  longestInBatch: count,
  precision: fc.constantFrom('fp32', 'int8'),
  maxTokens: count,
  truncation: fc.constantFrom('head', 'head-and-tail'),
});
const corrupt = expect.objectContaining({ code: 'corrupt_artifact', message: expect.stringContaining('encoder.json') });

async function written(text: string): Promise<EncoderSettings> {
  await writeFile(join(folder, 'encoder.json'), text);
  return readSettings(folder);
}

describe('encoder.json', () => {
  it('comes back as it was written', async () => {
    await fc.assert(
      fc.asyncProperty(settings, async (own) => {
        expect(await written(settingsText(own))).toEqual(own);
      }),
    );
  });

  it('with any setting exchanged for anything is read as such or corrupt', async () => {
    const keys = fc.constantFrom('format', 'pooling', 'pairs', 'labels', 'longestInBatch', 'precision', 'maxTokens', 'truncation');
    await fc.assert(
      fc.asyncProperty(settings, keys, fc.jsonValue(), async (own, key, value) => {
        const text = JSON.stringify({ ...JSON.parse(settingsText(own)), [key]: value });
        const read = await written(text).catch((error) => error);
        if (read instanceof Error) expect(read).toEqual(corrupt);
        else expect(read).toEqual({ ...own, [key]: value });
      }),
    );
  });

  it('of any other content is corrupt', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.json()), async (text) => {
        await expect(written(text)).rejects.toEqual(corrupt);
      }),
    );
  });
});
