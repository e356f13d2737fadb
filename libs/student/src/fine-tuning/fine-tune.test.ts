import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EncoderConfig } from '../encoder/config.ts';
import type { EncoderShape } from '../encoder/forward-graph.ts';
import { scorer } from '../encoder/reader.ts';
import { initialWeights } from '../encoder/scratch.ts';
import { encoderWeightShapes } from '../encoder/weights.ts';
import { normalNumbers, uniformNumbers } from '../random.ts';
import { type FineTuneProgress, type FineTuneSettings, fineTune, type LabelledText } from './fine-tune.ts';
import { bestWeights, freshState, keepBest, keepState, keptState, type TrainingState } from './training-state.ts';

const config: EncoderConfig = {
  family: 'bert',
  vocabularySize: 20,
  hiddenSize: 16,
  layers: 2,
  heads: 2,
  intermediateSize: 24,
  positions: 12,
  firstPosition: 0,
  tokenTypes: 2,
  layerNormEpsilon: 1e-12,
  padTokenId: 0,
  dropout: { hidden: 0.1, attention: 0.1 },
};

const settings: FineTuneSettings = {
  epochs: 6,
  batchSize: 8,
  learningRate: 5e-3,
  layerDecay: 0.9,
  weightDecay: 0.01,
  warmup: 0.1,
  clipNorm: 1,
  labelSmoothing: 0,
  loss: { kind: 'single', noiseRobustness: null },
  microBatchTokens: 1000,
  patience: 100,
  seed: 3,
  threads: 1,
};

function shapeOf(labels: number, dropout = 0.1): EncoderShape {
  const head = [['classifier.weight', [labels, config.hiddenSize]] as const, ['classifier.bias', [labels]] as const];
  return {
    config: { ...config, dropout: { hidden: dropout, attention: dropout } },
    pooling: 'first',
    shapes: new Map<string, readonly number[]>([...encoderWeightShapes(config), ...head]),
  };
}

function weightsOf(labels: number): Map<string, Float32Array> {
  const normal = normalNumbers(1);
  const head = Float32Array.from({ length: labels * config.hiddenSize }, () => 0.1 * normal());
  return new Map([...initialWeights(config, 1), ['classifier.weight', head], ['classifier.bias', new Float32Array(labels)]]);
}

/** Texts of random words, one of which tells the label: word 3 + label, somewhere. */
function texts(count: number, labels: number, seed: number): LabelledText[] {
  const uniform = uniformNumbers(seed);
  const below = (limit: number) => Math.floor(uniform() * limit);
  return Array.from({ length: count }, (_, index) => {
    const label = index % labels;
    const ids = Int32Array.from({ length: 4 + below(7) }, () => 10 + below(10));
    ids[0] = 1;
    ids[1 + below(ids.length - 1)] = 3 + label;
    const target = Array.from({ length: labels }, (_, each) => (each === label ? 1 : 0));
    return { tokens: { ids, types: new Int32Array(ids.length), truncated: false }, target, weights: target.map(() => 1) };
  });
}

const train = texts(80, 3, 1);
const heldOut = texts(40, 3, 2);

/** Keeps copies of the best weights in memory, where a training keeps files. */
async function trained(changes: Partial<FineTuneSettings> = {}, shape = shapeOf(3), state = freshState(weightsOf(3)), rows = train) {
  let best = new Map<string, Float32Array>();
  const keepBest = async (weights: ReadonlyMap<string, Float32Array>) => {
    best = new Map([...weights].map(([name, values]) => [name, values.slice()]));
    return 'best';
  };
  const progress: FineTuneProgress[] = [];
  const ended = await fineTune(
    shape,
    rows,
    heldOut,
    state,
    { ...settings, ...changes },
    { onProgress: (each) => progress.push(each), keepBest, keep: async () => {} },
  );
  return { state, progress, ended, best };
}

async function accuracy(best: ReadonlyMap<string, Float32Array>): Promise<number> {
  const logits = await (await scorer(shapeOf(3), settings)).read(heldOut, best);
  const right = heldOut.filter(({ target }, row) => {
    const own = [...logits.subarray(row * 3, row * 3 + 3)];
    return target[own.indexOf(Math.max(...own))] === 1;
  });
  return right.length / heldOut.length;
}

describe('fineTune', () => {
  it('learns what tells the labels', async () => {
    const { best, progress } = await trained();
    expect(progress).toHaveLength(60);
    expect(progress.at(-1)).toMatchObject({ step: 60, steps: 60, heldOutLoss: expect.any(Number) });
    expect(await accuracy(best)).toBeGreaterThan(0.95);
  });

  it('ends with the same weights when repeated, and others with another seed', async () => {
    const first = await trained({ epochs: 1 });
    expect((await trained({ epochs: 1 })).state).toEqual(first.state);
    expect((await trained({ epochs: 1, seed: 4 })).state).not.toEqual(first.state);
  });

  it('takes a batch in parts without another result but for rounding', async () => {
    const whole = await trained({ epochs: 1 }, shapeOf(3, 0));
    const parts = await trained({ epochs: 1, microBatchTokens: 25 }, shapeOf(3, 0));
    for (const [name, weights] of whole.state.weights) {
      // The key biases' gradients are zero but for rounding, which Adam makes large.
      if (name.endsWith('key.bias')) continue;
      const difference = Math.max(...weights.map((weight, at) => Math.abs(weight - parts.state.weights.get(name)![at]!)));
      expect([name, difference < 1e-3]).toEqual([name, true]);
    }
  });

  it('keeps the weights that did best on the held-out texts, and stops when it gets no better', async () => {
    // Every third label is wrong: what is learned by heart does worse on the held-out texts than what it has in common.
    const noisy = train.map((text, index) => (index % 3 === 0 ? { ...text, target: train[(index * 7 + 1) % 80]!.target } : text));
    const { state, progress } = await trained({ epochs: 40, patience: 3 }, shapeOf(3, 0), undefined, noisy);
    const looks = progress.flatMap(({ step, heldOutLoss }) => (heldOutLoss === null ? [] : [{ step, heldOutLoss }]));
    expect(progress.length).toBeLessThan(400);
    const least = looks.reduce((left, right) => (right.heldOutLoss < left.heldOutLoss ? right : left));
    expect(state.best).toMatchObject(least);
    expect(looks.slice(-4)[0]).toEqual(least);
  });

  it.each([100, 1])('keeps what it began with where nothing does better, and says so (patience %i)', async (patience) => {
    const good = (await trained()).best;
    const copy = new Map([...good].map(([name, values]) => [name, values.slice()]));
    const state = freshState(copy);
    const { ended, progress, best } = await trained({ learningRate: 0.5, epochs: 3, patience }, shapeOf(3), state);
    expect(progress).toHaveLength(patience === 1 ? 10 : 30);
    expect(ended).toContain('Lower student.fineTuning.learningRate');
    expect(state.best).toMatchObject({ step: 0 });
    expect(best).toEqual(good);
  });

  it('stops when the loss is no number, and says what to change', async () => {
    await expect(trained({ learningRate: 1e30, clipNorm: 1e30 })).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('Lower student.fineTuning.learningRate'),
    });
  });

  it.each(['single', 'multi'] as const)('learns %s labels with the noise-robust loss', async (kind) => {
    const { progress, state, best } = await trained({ epochs: 20, loss: { kind, noiseRobustness: 0.7 } });
    expect(state.best!.heldOutLoss).toBeLessThan(progress.find(({ heldOutLoss }) => heldOutLoss !== null)!.heldOutLoss! / 3);
    expect(await accuracy(best)).toBeGreaterThan(0.95);
  });
});

describe('a kept state', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'llambert-state-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('goes on to the same weights as a training that was not stopped', async () => {
    const shape = shapeOf(3);
    const whole = await trained({ epochs: 3 });
    class Stopped extends Error {}
    const ports = {
      onProgress: () => {},
      keepBest: (weights: ReadonlyMap<string, Float32Array>) => keepBest(folder, weights),
      async keep(state: TrainingState) {
        if (state.step === 13) await keepState(folder, state, 'one');
        if (state.step === 25) throw new Stopped();
      },
    };
    // It stops after another look at the held-out texts: the weights that the kept state names must still be there.
    const stopped = fineTune(shape, train, heldOut, freshState(weightsOf(3)), { ...settings, epochs: 3 }, ports);
    await expect(stopped).rejects.toThrow(Stopped);
    const kept = (await keptState(folder, 'one', shape.shapes))!;
    expect(kept).toMatchObject({ step: 13, best: { step: 10 } });
    await bestWeights(folder, kept.best!.weights);
    await fineTune(shape, train, heldOut, kept, { ...settings, epochs: 3 }, { ...ports, keep: async () => {} });
    expect({ ...kept, best: { ...kept.best, weights: 'best' } }).toEqual(whole.state);
    expect(await bestWeights(folder, kept.best!.weights)).toEqual(whole.best);
  });

  it('is not taken for that of another training, nor without the weights that did best', async () => {
    const { shapes } = shapeOf(3);
    const best = async () => ({ step: 0, heldOutLoss: 1, weights: await keepBest(folder, weightsOf(3)) });
    await keepState(folder, { ...freshState(weightsOf(3)), best: await best() }, 'one');
    const later = { ...freshState(weightsOf(3)), step: 4, best: await best() };
    expect(await keptState(folder, 'one', shapes)).toMatchObject({ step: 0 });
    await keepState(folder, later, 'one');
    // The facts, the state, and the best weights; nothing of the former one.
    expect(await readdir(folder)).toHaveLength(3);
    expect(await keptState(folder, 'two', shapes)).toBeNull();
    expect(await keptState(folder, 'one', shapes)).toEqual(later);
    for (const broken of (await readdir(folder)).filter((name) => name.endsWith('.safetensors'))) {
      const whole = await readFile(join(folder, broken));
      await writeFile(join(folder, broken), 'broken');
      expect(await keptState(folder, 'one', shapes)).toBeNull();
      await writeFile(join(folder, broken), whole);
    }
    expect(await keptState(folder, 'one', shapes)).toEqual(later);
  });
});
