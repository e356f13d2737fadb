import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LabelSet } from '@llambert/domain';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { float32Tensor, int32Tensor, readSafetensors, type Tensor, writeSafetensors } from '../safetensors.ts';
import { FeatureExtractor } from './features.ts';
import { LinearModel, loadLinearModel } from './model.ts';

const labels: LabelSet = { kind: 'single', names: ['a', 'b', 'c'] };

/** Features: "good", "bad" and their pair. */
function model(): LinearModel {
  const extractor = new FeatureExtractor('words');
  const hashes = extractor.hashes.slice(0, extractor.extract({ text: 'good bad' }));
  const table = Float32Array.of(1, 2, -2, 0.5, 2, -1, 1, 0, 1.5, 0.1, 0.2, 0.3);
  return new LinearModel(labels, { features: 'words', hashes, table, intercepts: Float32Array.of(0.1, 0, -0.1) });
}

const documents = ['good', 'bad', 'good bad good', 'neither', '', 'bad bad bad'].map((text) => ({ text }));

function logitsOf(own: LinearModel): Float32Array {
  const logits = new Float32Array(documents.length * 3);
  own.logits(documents, logits);
  return logits;
}

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'llambert-model-'));
});
afterEach(() => rm(folder, { recursive: true }));

const weightsFile = () => join(folder, 'linear.safetensors');
const corrupt = (file: string, problem: RegExp) =>
  expect.objectContaining({ code: 'corrupt_artifact', facts: { file: join(folder, file) }, message: expect.stringMatching(problem) });

describe('LinearModel', () => {
  it('is TF-IDF of unit length times weights, plus intercepts', () => {
    const logits = logitsOf(model());
    expect([...logits.subarray(0, 3)].map((logit) => logit.toFixed(4))).toEqual(['2.1000', '-2.0000', '0.4000']);
    // Nothing known: the intercepts.
    expect(logits.subarray(9, 12)).toEqual(Float32Array.of(0.1, 0, -0.1));
    expect(logits.subarray(12, 15)).toEqual(logits.subarray(9, 12));
    // Only "bad", however often.
    expect(logits.subarray(15, 18)[0]).toBeGreaterThan(-1.01);
  });

  it('gives the same logits after it was saved and loaded, and the same bytes when it is saved again', async () => {
    await model().save(folder);
    const [settings, weights] = [await readFile(join(folder, 'linear.json')), await readFile(weightsFile())];
    const loaded = await loadLinearModel(folder, labels);
    expect(logitsOf(loaded)).toEqual(logitsOf(model()));
    await loaded.save(folder);
    expect(await readFile(join(folder, 'linear.json'))).toEqual(settings);
    expect(await readFile(weightsFile())).toEqual(weights);
  });

  it('gives the same logits whatever it read before', () => {
    const own = model();
    const first = logitsOf(own);
    expect(logitsOf(own)).toEqual(first);
  });
});

describe('loadLinearModel', () => {
  const changed = async (change: (tensors: Map<string, Tensor>) => void) => {
    await model().save(folder);
    const tensors = readSafetensors(await readFile(weightsFile()), 'own');
    change(tensors);
    await writeFile(weightsFile(), writeSafetensors(tensors));
  };

  it('refuses a folder without the files', async () => {
    await expect(loadLinearModel(folder, labels)).rejects.toEqual(corrupt('linear.json', /cannot be read/));
    await model().save(folder);
    await rm(weightsFile());
    await expect(loadLinearModel(folder, labels)).rejects.toEqual(corrupt('linear.safetensors', /cannot be read/));
  });

  it.each([
    ['{', /not JSON/],
    ['null', /format/],
    ['{"format":"llambert.linear.v0","features":"words"}', /format/],
    ['{"format":"llambert.linear.v1","features":"letters"}', /features/],
  ])('refuses the settings %s', async (text, problem) => {
    await model().save(folder);
    await writeFile(join(folder, 'linear.json'), text);
    await expect(loadLinearModel(folder, labels)).rejects.toEqual(corrupt('linear.json', problem));
  });

  it('refuses weights that are cut off', async () => {
    await model().save(folder);
    await writeFile(weightsFile(), (await readFile(weightsFile())).subarray(0, -3));
    await expect(loadLinearModel(folder, labels)).rejects.toEqual(corrupt('linear.safetensors', /not a valid safetensors file/));
  });

  it('refuses the weights of another label set', async () => {
    await model().save(folder);
    for (const names of [
      ['a', 'b'],
      ['a', 'b', 'c', 'd'],
    ]) {
      await expect(loadLinearModel(folder, { kind: 'single', names })).rejects.toEqual(corrupt('linear.safetensors', /labels need/));
    }
  });

  it.each<[string, (tensors: Map<string, Tensor>) => void, RegExp]>([
    ['a missing tensor', (tensors) => tensors.delete('intercepts'), /"intercepts"/],
    ['no features tensor', (tensors) => tensors.delete('feature_hashes'), /"feature_hashes"/],
    ['a tensor of another type', (tensors) => tensors.set('intercepts', int32Tensor([3], new Int32Array(3))), /"intercepts" is not F32/],
    ['a weight that is no number', (tensors) => tensors.set('intercepts', float32Tensor([3], Float32Array.of(0, Number.NaN, 0))), /finite/],
    ['a feature named twice', (tensors) => tensors.set('feature_hashes', int32Tensor([3], Int32Array.of(5, 6, 5))), /twice/],
  ])('refuses %s', async (_, change, problem) => {
    await changed(change);
    await expect(loadLinearModel(folder, labels)).rejects.toEqual(corrupt('linear.safetensors', problem));
  });
});
