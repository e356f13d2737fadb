import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hardDistribution, type LabelSet } from '@llambert/domain';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { releaseEncoder } from '../encoder-release/release.ts';
import { examples, rowsOf } from '../linear/training-examples.fixture.ts';
import type { FineTuneProgress } from './fine-tune.ts';
import { accuracy, encoderSettings as settings, tinyEncoder } from './tiny-encoder.fixture.ts';
import { type EncoderTraining, type EncoderTrainingInput, trainEncoder } from './train-encoder.ts';

const topics: LabelSet = { kind: 'single', names: ['money', 'parcel', 'login'] };
const flags: LabelSet = { kind: 'multi', names: ['money', 'parcel', 'login'] };
const found = examples(topics, 150, (index) => [index % 3]);
const rows = rowsOf(topics, found);

const encoder = tinyEncoder(rows.map(({ text }) => text));

const train = (changes: Partial<EncoderTrainingInput> = {}) =>
  trainEncoder({ encoder, rows, labels: topics, gold: [], settings, stateFolder: null, threads: 1, ...changes });

describe('training an encoder', () => {
  let trained: EncoderTraining;
  let folder: string;
  beforeAll(async () => {
    trained = await train();
    folder = await mkdtemp(join(tmpdir(), 'llambert-training-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** Share of the documents that a released training decides rightly. */
  async function released({ model, heldOut }: EncoderTraining, labels: LabelSet, own = rows) {
    const into = await mkdtemp(join(folder, 'model-'));
    const { shape, tokenizerJson, ...rest } = model;
    const form = { config: shape.config, pooling: shape.pooling, pairs: false };
    const documents = heldOut.map((row) => own[row]!);
    const targets = documents.map(({ target }) => target);
    return releaseEncoder(into, { ...rest, form, tokenizer: tokenizerJson }, { documents, targets, kind: labels.kind });
  }

  it('learns, and holds out the first fold', async () => {
    const { heldOut, facts } = trained;
    expect(heldOut).toEqual(rows.flatMap(({ fold }, row) => (fold === 0 ? [row] : [])));
    expect(facts).toMatchObject({ epochs: 8, learningRate: 5e-3, updates: 64, truncatedTexts: 0, noiseRobustness: 'none' });
    const { heldOutLogits, model } = await released(trained, topics);
    expect(
      accuracy(
        heldOutLogits,
        heldOut.map((row) => rows[row]!.target),
      ),
    ).toBeGreaterThan(0.9);
    const outside = examples(topics, 60, (index) => [index % 3], 1000);
    const { logits } = await model.logits(outside);
    expect(
      accuracy(
        logits,
        outside.map(({ indices }) => hardDistribution(topics, indices)),
      ),
    ).toBeGreaterThan(0.9);
  });

  it('gives whole tables back: rows of tokens that no text has are as they were', async () => {
    const { weights, shape } = trained.model;
    const table = weights.get('embeddings.word_embeddings.weight')!;
    const before = encoder.weights.get('embeddings.word_embeddings.weight')!;
    expect(table).toHaveLength(before.length);
    const mask = 4 * shape.config.hiddenSize;
    expect(table.slice(mask, mask + 24)).toEqual(before.slice(mask, mask + 24));
    expect(table).not.toEqual(before);
    expect(weights.get('classifier.weight')).toHaveLength(3 * 24);
  });

  it('never learns from the fold that is held out', async () => {
    const wrong = rows.map((row) => (row.fold === 0 ? { ...row, target: [1, 0, 0] } : row));
    const other = await train({ rows: wrong, settings: { ...settings, fineTuning: { ...settings.fineTuning, epochs: 1 } } });
    const same = await train({ settings: { ...settings, fineTuning: { ...settings.fineTuning, epochs: 1 } } });
    expect(other.model.weights).toEqual(same.model.weights);
  });

  it('learns several labels at once, weighing rare ones as much', async () => {
    const several = examples(flags, 150, (index) => [
      ...(index % 7 < 3 ? [0] : []),
      ...(index % 4 === 0 ? [1] : []),
      ...(index % 3 === 0 ? [2] : []),
    ]);
    const labelled = rowsOf(flags, several);
    const trainedOnSeveral = await train({
      rows: labelled,
      labels: flags,
      settings: { ...settings, classWeights: 'balanced', fineTuning: { ...settings.fineTuning, epochs: 25, patience: 25 } },
    });
    const { heldOutLogits } = await released(trainedOnSeveral, flags, labelled);
    const right = trainedOnSeveral.heldOut.filter((row, at) =>
      labelled[row]!.target.every((share, label) => heldOutLogits[at * 3 + label]! > 0 === (share === 1)),
    );
    expect(right.length / trainedOnSeveral.heldOut.length).toBeGreaterThan(0.8);
  });

  it('learns from people after the teacher, where they are to have the last word', async () => {
    // The teacher takes parcels for logins; people do not, on a few documents.
    const gold = rows.flatMap((_, row) => (row % 4 === 0 ? [row] : []));
    const mistaken = rows.map((row, index) => (row.target[1] === 1 && !gold.includes(index) ? { ...row, target: [0, 0, 1] } : row));
    const goldStage = { epochs: 40, learningRate: null };
    const staged = { ...settings, fineTuning: { ...settings.fineTuning, goldStage, patience: 40 } };
    const outside = examples(topics, 60, (index) => [index % 3], 1000);
    const targets = outside.map(({ indices }) => hardDistribution(topics, indices));
    const reached: number[] = [];
    for (const own of [settings, staged]) {
      const made = await train({ rows: mistaken, gold, settings: own, stateFolder: join(folder, 'stages') });
      reached.push(accuracy((await (await released(made, topics, mistaken)).model.logits(outside)).logits, targets));
      if (own === staged) expect(made.facts).toMatchObject({ 'gold stage: epochs': 40, 'gold stage: learningRate': 2.5e-3 });
    }
    expect(reached[0]).toBeLessThan(0.75);
    // Gold has not every word of the topic.
    expect(reached[1]).toBeGreaterThan(reached[0]! + 0.1);
  });

  it('goes on from what it kept, and leaves nothing behind', async () => {
    const stateFolder = join(folder, 'state');
    const progress: FineTuneProgress[] = [];
    const again = await train({ stateFolder, onProgress: (each) => progress.push(each) });
    expect(again).toEqual(trained);
    expect(progress.at(-1)).toMatchObject({ step: 64, steps: 64 });
    expect(await readdir(join(stateFolder, 'labels'))).toEqual([]);
  });

  it('refuses rows of one label only, and too few', async () => {
    await expect(train({ rows: rows.map((row) => ({ ...row, target: [1, 0, 0] })) })).rejects.toMatchObject({ code: 'invalid_input' });
    await expect(train({ rows: rows.slice(0, 1) })).rejects.toMatchObject({ code: 'invalid_input' });
  });
});
