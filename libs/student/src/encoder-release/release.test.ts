import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { uniformNumbers } from '../random.ts';
import { loadEncoderModel } from './encoder-model.ts';
import { tinyRelease } from './release.fixture.ts';
import { releaseEncoder } from './release.ts';
import { type EncoderRelease, saveEncoder } from './save.ts';

describe('a release', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'llambert-release-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const release = tinyRelease('bert', 'mean', false);
  const uniform = uniformNumbers(1);
  const documents = Array.from({ length: 60 }, () => ({
    text: Array.from({ length: 3 + Math.floor(uniform() * 12) }, () => 'abcdefghij'[Math.floor(uniform() * 10)]).join(' '),
  }));

  /** A release judged by what float32 itself decides: whatever integers decide otherwise is wrong. */
  async function judgedByItself(own: EncoderRelease) {
    const into = await mkdtemp(join(folder, 'model-'));
    await saveEncoder(into, own);
    const { logits } = await (await loadEncoderModel(into, 3, 'fp32')).logits(documents);
    await rm(into, { recursive: true });
    const targets = documents.map((_, row) => {
      const shares = [...logits.subarray(row * 3, row * 3 + 3)];
      return shares.map((share) => (share === Math.max(...shares) ? 1 : 0));
    });
    const released = join(folder, 'released');
    await mkdir(released);
    return {
      released,
      ...(await releaseEncoder(released, own, { learned: false, documents, targets, labels: { kind: 'single', names: ['a', 'b', 'c'] } })),
    };
  }

  it('is of 8-bit integers where they decide as well', async () => {
    const { released, facts, logits } = await judgedByItself(release);
    expect(facts).toMatchObject({
      precision: 'int8',
      precisionReason: expect.stringMatching(/^on 60 held-out documents 8-bit integers are within the gate/),
    });
    const loaded = await loadEncoderModel(released, 3);
    expect(loaded.precision).toBe('int8');
    expect((await loaded.logits(documents)).logits).toEqual(logits);
  });

  it('is of float32, with the reason, where integers decide worse; their files go', async () => {
    // One weight that dwarfs its row leaves the others no bits.
    const name = 'encoder.layer.0.intermediate.dense.weight';
    const spoiled = release.weights.get(name)!.map((weight, at) => (at % 32 === 0 ? 400 : weight));
    const { released, facts } = await judgedByItself({ ...release, weights: new Map([...release.weights, [name, spoiled]]) });
    expect(facts).toMatchObject({ precision: 'fp32', precisionReason: expect.stringContaining('are not within the gate') });
    expect((await readdir(released)).filter((file) => file.includes('int8'))).toEqual([]);
    expect((await loadEncoderModel(released, 3)).precision).toBe('fp32');
  });
});
