import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decide, hardDistribution, type LabelSet } from '@llambert/domain';
import { fitTemperature } from '@llambert/statistics';
import { describe, expect, it } from 'vitest';
import type { TrainingRow } from '../rows.ts';
import { examples, fillers, rowsOf, vocabulary } from '../training-examples.fixture.ts';
import type { LinearModel } from './model.ts';
import { type LinearSettings, type LinearTraining, trainLinear } from './train.ts';

const binary: LabelSet = { kind: 'single', names: ['complaint', 'praise'] };
const topics: LabelSet = { kind: 'single', names: ['billing', 'delivery', 'login', 'other'] };
const traits: LabelSet = { kind: 'multi', names: ['angry', 'urgent', 'polite'] };

const words: LinearSettings = { features: 'words', classWeights: 'none' };

function train(labels: LabelSet, rows: readonly TrainingRow[], settings = words): Promise<LinearTraining> {
  return trainLinear({ rows, labels, settings });
}

function decisions(model: LinearModel, labels: LabelSet, texts: readonly string[]): number[][] {
  const logits = new Float32Array(texts.length * labels.names.length);
  model.logits(
    texts.map((text) => ({ text })),
    logits,
  );
  return texts.map((_, row) => {
    const own = logits.subarray(row * labels.names.length, (row + 1) * labels.names.length);
    return decide(labels, labels.kind === 'single' ? own : own.map((logit) => 1 / (1 + Math.exp(-logit))));
  });
}

async function savedDigest(model: LinearModel): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'llambert-train-'));
  try {
    await model.save(folder);
    const hash = createHash('sha256');
    for (const file of ['linear.json', 'linear.safetensors']) hash.update(await readFile(join(folder, file)));
    return hash.digest('hex');
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('trainLinear learns', () => {
  it.each<[string, LabelSet, (index: number) => number[]]>([
    ['two exclusive labels', binary, (index) => [index % 2]],
    ['several exclusive labels', topics, (index) => [index % 4]],
    [
      'labels that occur together or not at all',
      traits,
      (index) => [0, 1, 2].filter((label) => ((index * 2654435761) >>> (7 + label)) & 1),
    ],
    ['a single label that applies or not', { kind: 'multi', names: ['spam'] }, (index) => (index % 3 === 0 ? [0] : [])],
  ])('%s', async (_, labels, labelsOf) => {
    const training = await train(labels, rowsOf(labels, examples(labels, 160, labelsOf)));
    const unseen = examples(labels, 80, labelsOf, 1000);
    const decided = decisions(
      training.model,
      labels,
      unseen.map(({ text }) => text),
    );
    const right = decided.filter((own, index) => own.join() === unseen[index]!.indices.join()).length;
    expect(right / unseen.length).toBeGreaterThan(0.95);
    expect(training.crossValidation.chosen.accuracy).toBeGreaterThan(0.95);
    expect(training.outOfFold.logits.length).toBe(160 * labels.names.length);
    expect(training.outOfFold.logits.every(Number.isFinite)).toBe(true);
  });

  it('soft targets: as sure as they are, after calibration', async () => {
    const rows = rowsOf(
      binary,
      examples(binary, 200, (index) => [index % 2]),
    ).map((row) => ({
      ...row,
      target: row.target.map((share) => (share === 1 ? 0.8 : 0.2)),
    }));
    const { outOfFold } = await train(binary, rows);
    const temperature = fitTemperature(
      outOfFold.logits,
      rows.flatMap(({ target }) => target),
      200,
      2,
      'single',
    );
    const probabilities = Array.from({ length: 200 }, (_, row) => {
      const [no, yes] = outOfFold.logits.subarray(2 * row, 2 * row + 2);
      return 1 / (1 + Math.exp(-Math.abs(yes! - no!) / temperature));
    });
    expect(probabilities.reduce((sum, own) => sum + own, 0) / 200).toBeCloseTo(0.8, 1);
  });

  it('from Japanese, Chinese and Thai', async () => {
    const texts = [
      ['最高の映画でした', '素晴らしい演技です', '这部电影非常好看', '演得很精彩', 'หนังดีมาก', 'ชอบมากที่สุด'],
      ['最悪の映画でした', 'ひどい演技です', '这部电影非常难看', '演得很糟糕', 'หนังแย่มาก', 'ไม่ชอบเลย'],
    ];
    const found = Array.from({ length: 60 }, (_, index) => ({ text: texts[index % 2]![(index >> 1) % 6]!, indices: [index % 2] }));
    const { model } = await train(binary, rowsOf(binary, found));
    expect(decisions(model, binary, ['最高の演技', '最悪の演技', '非常精彩', '非常糟糕', 'ดีมาก', 'แย่มาก'])).toEqual([
      [0],
      [1],
      [0],
      [1],
      [0],
      [1],
    ]);
  });

  it('from what a pair of texts shares', async () => {
    const things = ['cat', 'dog', 'boat', 'tree', 'lamp', 'river', 'stone', 'glass'];
    const pair = (index: number) => ({
      text: `a ${things[index % 8]}`,
      textPair: `a ${things[(index + (index % 2 === 0 ? 0 : 1 + (index % 5))) % 8]}`,
    });
    const rows = Array.from({ length: 160 }, (_, index) => ({
      ...pair(index),
      target: hardDistribution(binary, [index % 2]),
      weight: 1,
      fold: index % 5,
    }));
    const { crossValidation } = await train(binary, rows);
    expect(crossValidation.chosen.accuracy).toBeGreaterThan(0.95);
  });
});

describe('trainLinear with many labels', () => {
  const names = Array.from({ length: 120 }, (_, label) => `intent ${label}`);
  const many: LabelSet = { kind: 'single', names };
  const found = Array.from({ length: 960 }, (_, index) => ({
    text: `${fillers[index % 8]} sign${index % 120} ${fillers[(index >> 3) % 8]}`,
    indices: [index % 120],
  }));
  const rows = rowsOf(many, found).map((row, index) => ({ ...row, fold: Math.floor(index / 120) % 5 }));

  it('chooses on one fold, and holds every row out all the same', async () => {
    const shares: number[] = [];
    const { crossValidation, outOfFold } = await trainLinear({
      rows,
      labels: many,
      settings: words,
      onProgress: (share) => shares.push(share),
    });
    // A strength each on the fold that chooses, the four other folds at one, and the final fit.
    expect(shares.length).toBe(crossValidation.tried.length + 4 + 1 + 1);
    const right = found.filter(({ indices }, row) => {
      const own = outOfFold.logits.subarray(row * 120, (row + 1) * 120);
      return decide(many, own)[0] === indices[0];
    });
    expect(right.length / found.length).toBeGreaterThan(0.95);
    expect(crossValidation.chosen.accuracy).toBeCloseTo(right.length / found.length, 10);
  });
});

describe('trainLinear', () => {
  it('gives equal bytes for equal input', async () => {
    const rows = rowsOf(
      topics,
      examples(topics, 120, (index) => [index % 4]),
    );
    const settings = { features: 'auto', classWeights: 'balanced' } as const;
    const [first, second] = [await train(topics, rows, settings), await train(topics, rows, settings)];
    expect(await savedDigest(first.model)).toBe(await savedDigest(second.model));
    expect(first.outOfFold.logits).toEqual(second.outOfFold.logits);
    expect(first.crossValidation).toEqual(second.crossValidation);
  });

  it('takes character n-grams where they pay, and words where they do not', async () => {
    const stems = ['refund', 'deliver'];
    const endings = [
      's',
      'ed',
      'ing',
      'able',
      'ment',
      'er',
      'ers',
      'less',
      'y',
      'ness',
      'ful',
      'ation',
      'ity',
      'al',
      'ish',
      'ory',
      'ant',
      'ive',
      'ize',
      'dom',
    ];
    const forms = endings.flatMap((ending) => stems.map((stem, label) => ({ text: `${stem}${ending}`, indices: [label] })));
    // Rows of an ending in one fold: whole words never come again.
    const rows = rowsOf(binary, forms).map((row, index) => ({ ...row, fold: (index >> 1) % 5 }));
    const chosen = async (labelled: TrainingRow[]) =>
      (await train(binary, labelled, { features: 'auto', classWeights: 'none' })).crossValidation.chosen.features;
    expect(await chosen(rows)).toBe('words+chars');
    expect(
      await chosen(
        rowsOf(
          binary,
          examples(binary, 200, (index) => [index % 2]),
        ),
      ),
    ).toBe('words');
  });

  it('tries character n-grams on a part of many rows, and validates all with what it chose', async () => {
    const rows = rowsOf(
      binary,
      examples(binary, 5200, (index) => [(index * 7) % 3 === 0 ? 0 : 1]),
    );
    const { crossValidation, outOfFold } = await train(binary, rows, { features: 'auto', classWeights: 'none' });
    const sets = crossValidation.tried.map(({ features }) => features);
    expect(sets.length).toBe(3 * (sets.length / 3));
    expect(new Set(sets.slice(-sets.length / 3))).toEqual(new Set([crossValidation.chosen.features]));
    expect(outOfFold.logits.length).toBe(2 * 5200);
    expect(outOfFold.logits.filter((logit) => logit === 0).length).toBe(0);
  });

  it('balances: a rare label is found more often', async () => {
    // What tells the labels apart is also in a third of the others' texts.
    const found = Array.from({ length: 300 }, (_, index) => ({
      text: `${index % 10 === 0 || index % 3 === 0 ? 'refund' : 'hours'} ${fillers[index % 7]}`,
      indices: [index % 10 === 0 ? 0 : 1],
    }));
    const rareFound = async (classWeights: 'none' | 'balanced') => {
      const { model } = await train(binary, rowsOf(binary, found, 7), { features: 'words', classWeights });
      return decisions(
        model,
        binary,
        found.map(({ text }) => text),
      ).filter(([own], index) => own === 0 && index % 10 === 0).length;
    };
    expect(await rareFound('none')).toBe(0);
    expect(await rareFound('balanced')).toBe(30);
  });

  it('lets a row of weight 2 count as two rows', async () => {
    const found = examples(binary, 40, (index) => [index % 2]);
    const mixed = rowsOf(binary, [...found, { text: 'refund parcel', indices: [0] }, { text: 'refund parcel', indices: [1] }]);
    const heavy = mixed.map((row, index) => (index === 41 ? { ...row, weight: 2 } : row));
    const twice = [...mixed, mixed[41]!];
    const logitsOf = async (rows: TrainingRow[]) => {
      const { model } = await train(binary, rows);
      const logits = new Float32Array(2);
      model.logits([{ text: 'refund parcel' }], logits);
      return logits[1]! - logits[0]!;
    };
    expect(await logitsOf(heavy)).toBeGreaterThan(await logitsOf(mixed));
    expect(Math.sign(await logitsOf(heavy))).toBe(Math.sign(await logitsOf(twice)));
  });

  it('bears a label that a fold lacks, that stands once, or never', async () => {
    const found = examples(topics, 40, (index) => [index === 17 ? 2 : index % 2]);
    const { model, outOfFold } = await train(topics, rowsOf(topics, found));
    expect(outOfFold.logits.every(Number.isFinite)).toBe(true);
    expect(decisions(model, topics, ['refund invoice', 'parcel courier'])).toEqual([[0], [1]]);
  });

  it('bears one row for each label', async () => {
    const rows = vocabulary.map((own, label) => ({
      text: own.join(' '),
      target: hardDistribution(topics, [label]),
      weight: 1,
      fold: label,
    }));
    const { model, outOfFold } = await train(topics, rows);
    expect(outOfFold.logits.every(Number.isFinite)).toBe(true);
    expect(
      decisions(
        model,
        topics,
        rows.map(({ text }) => text),
      ),
    ).toEqual([[0], [1], [2], [3]]);
  });

  it('deals rows out by itself where all are in one fold', async () => {
    const { crossValidation } = await train(
      binary,
      rowsOf(
        binary,
        examples(binary, 40, (index) => [(index >> 2) % 2]),
        1,
      ),
    );
    expect(crossValidation.folds).toBe(5);
    expect(crossValidation.chosen.accuracy).toBeGreaterThan(0.9);
  });

  it('bears texts without any feature', async () => {
    const found = examples(binary, 40, (index) => [index % 2]).map((own, index) => (index % 4 === 0 ? { ...own, text: '…' } : own));
    const { model } = await train(binary, rowsOf(binary, found));
    const logits = new Float32Array(4);
    model.logits([{ text: '' }, { text: 'unheard' }], logits);
    expect(logits.every(Number.isFinite)).toBe(true);
    expect(logits.subarray(0, 2)).toEqual(logits.subarray(2));
  });

  it('refuses rows that teach nothing', async () => {
    const rows = rowsOf(
      binary,
      examples(binary, 20, () => [1]),
    );
    await expect(train(binary, rows)).rejects.toMatchObject({ code: 'invalid_input' });
    await expect(train(binary, [])).rejects.toMatchObject({ code: 'invalid_input' });
  });

  it('tells how far it is, from little to all', async () => {
    const shares: number[] = [];
    const rows = rowsOf(
      binary,
      examples(binary, 40, (index) => [index % 2]),
    );
    await trainLinear({
      rows,
      labels: binary,
      settings: { features: 'auto', classWeights: 'none' },
      onProgress: (share) => shares.push(share),
    });
    expect(shares).toEqual(shares.toSorted((left, right) => left - right));
    expect(shares.length).toBeGreaterThan(50);
    expect(shares.at(-1)).toBe(1);
  });

  it('stops when it is told to, before and amid', async () => {
    const rows = rowsOf(
      binary,
      examples(binary, 60, (index) => [index % 2]),
    );
    const input = { rows, labels: binary, settings: words };
    await expect(trainLinear({ ...input, signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
    const controller = new AbortController();
    let heard = 0;
    const onProgress = () => {
      heard++;
      controller.abort();
    };
    await expect(trainLinear({ ...input, signal: controller.signal, onProgress })).rejects.toMatchObject({ name: 'AbortError' });
    expect(heard).toBe(1);
  });
});
