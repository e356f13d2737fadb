import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hardDistribution, type LabelSet } from '@llambert/domain';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { releaseEncoder } from '../encoder-release/release.ts';
import { heldOutRows } from '../rows.ts';
import { accuracy, encoderSettings as settings, tinyEncoder } from '../tiny-encoder.fixture.ts';
import { examples, rowsOf } from '../training-examples.fixture.ts';
import { type EncoderTraining, type EncoderTrainingInput, trainEncoder } from './train-encoder.ts';

const topics: LabelSet = { kind: 'single', names: ['money', 'parcel', 'login'] };
const flags: LabelSet = { kind: 'multi', names: ['money', 'parcel', 'login'] };
const found = examples(topics, 150, (index) => [index % 3]);
const rows = rowsOf(topics, found);

const encoder = tinyEncoder(rows.map(({ text }) => text));

/** In a folder of its own, or in one that is given. */
async function train(changes: Partial<EncoderTrainingInput> = {}): Promise<EncoderTraining> {
  const stateFolder = await mkdtemp(join(tmpdir(), 'llambert-training-'));
  const heldOut = heldOutRows(changes.rows ?? rows);
  const made = await trainEncoder({ encoder, rows, heldOut, labels: topics, gold: [], settings, stateFolder, threads: 1, ...changes });
  await rm(stateFolder, { recursive: true });
  return made;
}

describe('training an encoder', () => {
  let trained: EncoderTraining;
  let folder: string;
  beforeAll(async () => {
    trained = await train();
    folder = await mkdtemp(join(tmpdir(), 'llambert-training-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** Share of the documents that a released training decides rightly. */
  async function released({ model }: EncoderTraining, labels: LabelSet, own = rows) {
    const into = await mkdtemp(join(folder, 'model-'));
    const documents = heldOutRows(own).map((row) => own[row]!);
    const targets = documents.map(({ target }) => target);
    return releaseEncoder(into, model, {
      part: 'held-out',
      documents,
      targets,
      labels,
      float32Logits: null,
      calibrationOf: async () => ({ method: 'temperature', temperature: 1 }),
    });
  }

  it('learns', async () => {
    const { facts } = trained;
    const heldOut = heldOutRows(rows);
    expect(facts).toMatchObject({ epochs: 8, mostEpochs: 8, learningRate: 5e-3, updates: 64, truncatedTexts: 0, noiseRobustness: 'none' });
    const { logits, model } = await released(trained, topics);
    expect(
      accuracy(
        logits,
        heldOut.map((row) => rows[row]!.target),
      ),
    ).toBeGreaterThan(0.9);
    const outside = examples(topics, 60, (index) => [index % 3], 1000);
    const { logits: outsideLogits } = await model.logits(outside);
    expect(
      accuracy(
        outsideLogits,
        outside.map(({ indices }) => hardDistribution(topics, indices)),
      ),
    ).toBeGreaterThan(0.9);
  });

  it('gives whole tables back: rows of tokens that no text has are as they were', async () => {
    const { weights, config } = trained.model;
    const table = weights.get('embeddings.word_embeddings.weight')!;
    const before = (await encoder.readWeights()).get('embeddings.word_embeddings.weight')!;
    expect(table).toHaveLength(before.length);
    const mask = 4 * config.hiddenSize;
    expect(table.slice(mask, mask + 24)).toEqual(before.slice(mask, mask + 24));
    expect(table).not.toEqual(before);
    expect(weights.get('classifier.weight')).toHaveLength(3 * 24);
  });

  it('never learns from the fold that is held out', async () => {
    // One label more or less changes nothing of which weights are best.
    const wrong = rows.map((row, index) => (index === 5 ? { ...row, target: [1, 0, 0] } : row));
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
    const { logits } = await released(trainedOnSeveral, flags, labelled);
    const heldOut = heldOutRows(labelled);
    const right = heldOut.filter((row, at) => labelled[row]!.target.every((share, label) => logits[at * 3 + label]! > 0 === (share === 1)));
    expect(right.length / heldOut.length).toBeGreaterThan(0.8);
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
      if (own === staged) expect(made.facts).toMatchObject({ 'gold stage: mostEpochs': 40, 'gold stage: learningRate': 2.5e-3 });
    }
    expect(reached[0]).toBeLessThan(0.75);
    // Gold has not every word of the topic.
    expect(reached[1]).toBeGreaterThan(reached[0]! + 0.1);
  });

  it('goes on from what it kept when it was stopped, through both stages, to the same weights', async () => {
    const gold = rows.flatMap((_, row) => (row % 4 === 0 ? [row] : []));
    const own = { ...settings, fineTuning: { ...settings.fineTuning, epochs: 2, goldStage: { epochs: 2, learningRate: null } } };
    const alone = await train({ gold, settings: own });
    const stateFolder = join(folder, 'state');
    class Stopped extends Error {}
    const begun: string[] = [];
    for (const [stage, at] of [
      ['labels', 7],
      ['gold', 3],
    ] as const) {
      const stopped = train({
        gold,
        settings: own,
        stateFolder,
        keepEveryMs: 0,
        onProgress: (progress) => {
          begun.push(`${progress.stage} ${progress.step}`);
          if (progress.stage === stage && progress.step === at) throw new Stopped();
        },
      });
      await expect(stopped).rejects.toThrow(Stopped);
    }
    const last: string[] = [];
    const resumed = await train({ gold, settings: own, stateFolder, onProgress: ({ stage, step }) => last.push(`${stage} ${step}`) });
    expect(resumed).toEqual(alone);
    // The second run goes on with the step that was not kept, and the third has the first stage behind it.
    expect(begun[begun.indexOf('labels 7') + 1]).toBe('labels 7');
    expect(last[0]).toBe('gold 3');
  });

  it('does not take the state of other settings for its own', async () => {
    const stateFolder = join(folder, 'other');
    const short = (pooling: 'first' | 'mean') => ({ ...settings, fineTuning: { ...settings.fineTuning, epochs: 1, pooling } });
    await train({ settings: short('mean'), stateFolder, keepEveryMs: 0 });
    expect((await train({ settings: short('first'), stateFolder })).model.weights).toEqual(
      (await train({ settings: short('first') })).model.weights,
    );
  });

  it('learns nothing from rows without weight', async () => {
    const doubted = rows.map((row, index) => (index % 7 === 0 ? { ...row, target: [0, 0, 1], weight: 0 } : row));
    const own = { settings: { ...settings, fineTuning: { ...settings.fineTuning, epochs: 1 } } };
    const made = await train({ rows: doubted, ...own });
    const others = doubted.map((row, index) => (index % 7 === 0 && row.fold !== 0 ? { ...row, target: [1, 0, 0] } : row));
    expect((await train({ rows: others, ...own })).model.weights).toEqual(made.model.weights);
  });

  it('refuses rows of one label only, and too few', async () => {
    await expect(train({ rows: rows.map((row) => ({ ...row, target: [1, 0, 0] })) })).rejects.toMatchObject({ code: 'invalid_input' });
    await expect(train({ availableBytes: 1e6 })).rejects.toThrow('of memory, and 0.0 GB are free');
    await expect(train({ rows: rows.slice(0, 1) })).rejects.toMatchObject({ code: 'invalid_input' });
  });
});
