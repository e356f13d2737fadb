import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Calibration, decide, type Ensemble, type LabelSet } from '@llambert/domain';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadClassifier } from './classifier.ts';
import { FeatureExtractor } from './linear/features.ts';
import { LinearModel } from './linear/model.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'llambert-classifier-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** A model that knows the word "yes", with these weights for it. */
async function classifierOf(
  labels: LabelSet,
  weights: number[],
  calibrated: number | Pick<Calibration & { method: 'vector' }, 'scales' | 'biases'>,
) {
  const extractor = new FeatureExtractor('words');
  const hashes = extractor.hashes.slice(0, extractor.extract({ text: 'yes' }));
  const table = Float32Array.of(1, ...weights);
  await new LinearModel(labels, { features: 'words', hashes, table, intercepts: new Float32Array(weights.length) }).save(folder);
  const facts = { documents: 1, reference: 'teacher' } as const;
  const calibration: Calibration =
    typeof calibrated === 'number'
      ? { method: 'temperature', temperature: calibrated, ...facts }
      : { method: 'vector', ...calibrated, ...facts };
  return loadClassifier(folder, { student: 'linear', labels, calibration });
}

describe('loadClassifier', () => {
  it('gives calibrated probabilities of exclusive labels', async () => {
    const classifier = await classifierOf({ kind: 'single', names: ['no', 'yes'] }, [4], 2);
    const { probabilities, truncated } = await classifier.classify([{ text: 'yes' }, { text: 'what' }]);
    expect(probabilities[1]).toBeCloseTo(1 / (1 + Math.exp(-2)), 6);
    expect(probabilities[0]! + probabilities[1]!).toBeCloseTo(1, 6);
    expect([...probabilities.subarray(2)]).toEqual([0.5, 0.5]);
    expect([...truncated]).toEqual([0, 0]);
    expect(classifier).toMatchObject({ kind: 'linear', labels: { names: ['no', 'yes'] } });
  });

  it('gives each of several labels a probability of its own', async () => {
    const classifier = await classifierOf({ kind: 'multi', names: ['x', 'y', 'z'] }, [3, 3, -3], 1);
    const { probabilities } = await classifier.classify([{ text: 'Yes!' }]);
    const high = 1 / (1 + Math.exp(-3));
    for (const [label, expected] of [high, high, 1 - high].entries()) expect(probabilities[label]).toBeCloseTo(expected, 6);
  });

  it('decides by calibrated probabilities, which a vector may order anew', async () => {
    const labels: LabelSet = { kind: 'single', names: ['a', 'b', 'c'] };
    const decided = async (biases: number[]) => {
      const classifier = await classifierOf(labels, [1, 0, -1], { scales: [1, 2, 1], biases });
      const { probabilities } = await classifier.classify([{ text: 'yes' }]);
      expect(probabilities.reduce((sum, share) => sum + share)).toBeCloseTo(1, 6);
      return decide(labels, probabilities);
    };
    expect(await decided([0, 0, 0])).toEqual([0]);
    expect(await decided([0, 1.5, 0])).toEqual([1]);
  });

  it.each([
    ['scales that are not one a label', { method: 'vector', scales: [1], biases: [0, 0] }],
    ['a method of a later version', { method: 'isotonic' }],
    ['no temperature', { method: 'temperature', temperature: 0 }],
    ['no scales', { method: 'vector', biases: [0, 0] }],
    ['a scale that is no number', { method: 'vector', scales: [1, null], biases: [0, 0] }],
    ['a scale beyond all measure', { method: 'vector', scales: [1, 1e308], biases: [0, 0] }],
    ['nothing at all', undefined],
  ])('refuses a calibration with %s', async (_, calibration) => {
    const labels: LabelSet = { kind: 'single', names: ['no', 'yes'] };
    const loading = loadClassifier(folder, { student: 'linear', labels, calibration: calibration as unknown as Calibration });
    await expect(loading).rejects.toMatchObject({ code: 'corrupt_artifact', message: expect.stringContaining('calibrated') });
  });

  it.each([
    ['without an encoder', 'linear', { encoderShare: 0.5 }],
    ['of a share beyond 1', 'frozen', { encoderShare: 1.5 }],
    ['of a share in words', 'frozen', { encoderShare: '0.5' }],
    ['of no share', 'fine-tuned', {}],
    ['that is null', 'fine-tuned', null],
  ] as const)('refuses an ensemble %s', async (_, student, ensemble) => {
    const labels: LabelSet = { kind: 'single', names: ['no', 'yes'] };
    const calibration = { method: 'temperature', temperature: 1, documents: 1, reference: 'teacher' } as const;
    const loading = loadClassifier(folder, { student, labels, calibration, ensemble: ensemble as Ensemble });
    await expect(loading).rejects.toMatchObject({ code: 'corrupt_artifact', message: expect.stringContaining('two students decide') });
  });

  it('answers nothing for no documents', async () => {
    const classifier = await classifierOf({ kind: 'single', names: ['a', 'b', 'c'] }, [1, 2, 3], 1);
    expect(await classifier.classify([])).toEqual({ probabilities: new Float32Array(0), truncated: new Uint8Array(0) });
  });
});
