import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LabelSet } from '@llambert/domain';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TrainedEncoder } from '../encoder/trained.ts';
import { uniformNumbers } from '../random.ts';
import { loadEncoderModel } from './encoder-model.ts';
import { tinyRelease } from './release.fixture.ts';
import { releaseEncoder } from './release.ts';
import { saveEncoder } from './save.ts';

describe('a release', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'llambert-release-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const release = tinyRelease('bert', 'mean', false);
  // One weight that dwarfs its row leaves the others no bits.
  const name = 'encoder.layer.0.intermediate.dense.weight';
  const spoiled = release.weights.get(name)!.map((weight, at) => (at % 32 === 0 ? 400 : weight));
  const spoilt: TrainedEncoder = { ...release, weights: new Map([...release.weights, [name, spoiled]]) };
  const uniform = uniformNumbers(1);
  const documents = Array.from({ length: 60 }, () => ({
    text: Array.from({ length: 3 + Math.floor(uniform() * 12) }, () => 'abcdefghij'[Math.floor(uniform() * 10)]).join(' '),
  }));

  /** A release whose documents have the labels that float32 itself decides: whatever integers decide otherwise is wrong. */
  async function labelledByItself(own: TrainedEncoder, known = false, temperature = 1) {
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
    const labels: LabelSet = { kind: 'single', names: ['a', 'b', 'c'] };
    const progress: number[] = [];
    const calibrationOf = async () => ({ method: 'temperature', temperature }) as const;
    const gate = { part: 'held-out', documents, targets, labels, float32Logits: known ? logits : null, calibrationOf } as const;
    return { released, progress, float32Logits: logits, ...(await releaseEncoder(released, own, gate, (share) => progress.push(share))) };
  }

  it('is of 8-bit integers where they decide as well', async () => {
    const { released, facts, logits, progress } = await labelledByItself(release);
    expect(facts).toMatchObject({
      precision: 'int8',
      precisionReason: expect.stringMatching(/^on 60 held-out documents 8-bit integers are within the gate/),
    });
    const loaded = await loadEncoderModel(released, 3);
    expect(loaded.precision).toBe('int8');
    expect((await loaded.logits(documents)).logits).toEqual(logits);
    expect(progress).toEqual(progress.toSorted((left, right) => left - right));
    expect(progress[0]).toBeLessThan(0.5);
    expect(progress.at(-1)).toBe(1);
  });

  it.each([
    ['integers', release],
    ['float32', spoilt],
  ])('takes logits in float32 that are known for computed ones: %s', async (_, own) => {
    const computed = await labelledByItself(own);
    await rm(computed.released, { recursive: true });
    const known = await labelledByItself(own, true);
    expect(known.logits).toEqual(computed.logits);
    expect(known.facts).toEqual(computed.facts);
    expect((await known.model.logits(documents)).logits).toEqual(computed.logits);
  });

  it('has a tokenizer that neither cuts nor pads, whatever the checkpoint was saved with', async () => {
    const tokenizer = JSON.stringify({
      ...JSON.parse(release.tokenizerJson),
      truncation: { max_length: 8, stride: 0, strategy: 'LongestFirst', direction: 'Right' },
      padding: { strategy: { Fixed: 8 }, direction: 'Right', pad_to_multiple_of: null, pad_id: 0, pad_type_id: 0, pad_token: '[PAD]' },
    });
    const { released } = await labelledByItself({ ...release, tokenizerJson: tokenizer });
    expect(JSON.parse(await readFile(join(released, 'tokenizer.json'), 'utf8'))).toMatchObject({ truncation: null, padding: null });
  });

  it('is judged by calibrated probabilities', async () => {
    const riseOf = (facts: Readonly<Record<string, unknown>>) =>
      Number(/log-loss ([+-]?[\d.]+) %/.exec(String(facts['precisionReason']))![1]);
    const own = await labelledByItself(spoilt);
    await rm(own.released, { recursive: true });
    // Every label is then nearly as probable as any, in both precisions.
    const humble = await labelledByItself(spoilt, false, 100);
    expect(Math.abs(riseOf(humble.facts))).toBeLessThan(Math.abs(riseOf(own.facts)) / 2);
  });

  it('is of float32, with the reason, where integers decide worse; their files go', async () => {
    const { released, facts } = await labelledByItself(spoilt);
    expect(facts).toMatchObject({ precision: 'fp32', precisionReason: expect.stringContaining('are not within the gate') });
    expect((await readdir(released)).filter((file) => file.includes('int8'))).toEqual([]);
    expect((await loadEncoderModel(released, 3)).precision).toBe('fp32');
  });
});
