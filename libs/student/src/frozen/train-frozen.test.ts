import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hardDistribution, type LabelSet, type StudentSettings } from '@llambert/domain';
import { beforeAll, describe, expect, it } from 'vitest';
import { scorer } from '../encoder/reader.ts';
import { classifierShapes } from '../encoder/weights.ts';
import { loadEncoderModel } from '../encoder-release/encoder-model.ts';
import { saveEncoder } from '../encoder-release/save.ts';
import { accuracy, encoderSettings, tinyEncoder } from '../tiny-encoder.fixture.ts';
import { examples, rowsOf } from '../training-examples.fixture.ts';
import { type FrozenProgress, type FrozenTraining, type FrozenTrainingInput, trainFrozen } from './train-frozen.ts';

const topics: LabelSet = { kind: 'single', names: ['money', 'parcel', 'login'] };
const rows = rowsOf(
  topics,
  examples(topics, 150, (index) => [index % 3]),
);
const outside = examples(topics, 60, (index) => [index % 3], 1000);
const settings: StudentSettings = { ...encoderSettings, model: 'frozen' };
/** Never trained: its vectors still tell words apart. */
const encoder = tinyEncoder(rows.map(({ text }) => text));

const train = (changes: Partial<FrozenTrainingInput> = {}) =>
  trainFrozen({ encoder, rows, labels: topics, settings, threads: 1, ...changes });

/** What the model says of the documents outside by the graph that training has. */
async function logitsInTraining({ config, pooling, weights, maxTokens, truncation }: FrozenTraining['model']): Promise<Float32Array> {
  const tokens = await encoder.tokenizer.tokenize(outside, { maxTokens, truncation });
  const shapes = classifierShapes(config, weights.get('classifier.bias')!.length);
  const reader = await scorer({ config, pooling, shapes }, { threads: 1, microBatchTokens: 512 });
  return reader.read(
    tokens.map((own) => ({ tokens: own })),
    weights,
  );
}

describe('training on a frozen encoder', () => {
  const progress: FrozenProgress[] = [];
  let trained: FrozenTraining;
  beforeAll(async () => {
    trained = await train({ onProgress: (each) => progress.push(each) });
  });

  it('learns, and scores every row by a head that did not learn from it', async () => {
    const { outOfFold, model, facts } = trained;
    expect(
      accuracy(
        outOfFold.logits,
        rows.map(({ target }) => target),
      ),
    ).toBeGreaterThan(0.9);
    const targets = outside.map(({ indices }) => hardDistribution(topics, indices));
    expect(accuracy(await logitsInTraining(model), targets)).toBeGreaterThan(0.9);
    expect(facts).toMatchObject({ pooling: 'mean', folds: 5, maxTokens: 32, truncation: 'head', truncatedTexts: 0 });
  });

  it('leaves the encoder as it is', async () => {
    const { weights } = trained.model;
    for (const [name, values] of await encoder.readWeights()) expect(weights.get(name), name).toEqual(values);
    expect(weights.get('classifier.weight')).toHaveLength(3 * 24);
  });

  it('says how far it is', () => {
    const read = progress.filter((each) => each.step === 'embedding');
    expect(read.at(-1)).toMatchObject({ texts: 150, ofTexts: 150 });
    expect(read.at(-1)!.tokens).toBe(read.at(-1)!.ofTokens);
    expect(progress.at(-1)).toEqual({ step: 'head', done: 1 });
  });

  it('gives equal results for equal input', async () => {
    expect(await train()).toEqual(trained);
  });

  it.each([
    ['three labels, the mean of all tokens', 3, 'mean'],
    ['two labels, which are one output, and the first token', 2, 'first'],
  ] as const)('labels, once released, as it did in training: %s', async (_, count, pooling) => {
    const labels: LabelSet = { kind: 'single', names: topics.names.slice(0, count) };
    const labelled = rowsOf(
      labels,
      examples(labels, 100, (index) => [index % count]),
    );
    const own = { ...settings, fineTuning: { ...settings.fineTuning, pooling } };
    const { model } = await train({ rows: labelled, labels, settings: own });
    const known = await logitsInTraining(model);
    const folder = await mkdtemp(join(tmpdir(), 'llambert-frozen-'));
    await saveEncoder(folder, model);
    const { logits } = await (await loadEncoderModel(folder, count)).logits(outside);
    expect(logits).toHaveLength(known.length);
    for (const [at, logit] of logits.entries()) expect(logit).toBeCloseTo(known[at]!, 3);
    await rm(folder, { recursive: true });
  });

  it('learns several labels at once, weighing rare ones as much', async () => {
    const flags: LabelSet = { kind: 'multi', names: topics.names };
    const labelled = rowsOf(
      flags,
      examples(flags, 200, (index) => [...(index % 7 < 3 ? [0] : []), ...(index % 4 === 0 ? [1] : []), ...(index % 3 === 0 ? [2] : [])]),
    );
    const { outOfFold } = await train({ rows: labelled, labels: flags, settings: { ...settings, classWeights: 'balanced' } });
    const right = labelled.filter(({ target }, row) =>
      target.every((share, label) => outOfFold.logits[row * 3 + label]! > 0 === (share === 1)),
    );
    expect(right.length / labelled.length).toBeGreaterThan(0.8);
  });

  it('refuses rows of one label only, before it reads any', async () => {
    const seen: FrozenProgress[] = [];
    const same = rows.map((row) => ({ ...row, target: [1, 0, 0] }));
    await expect(train({ rows: same, onProgress: (each) => seen.push(each) })).rejects.toMatchObject({ code: 'invalid_input' });
    expect(seen).toEqual([]);
  });
});
