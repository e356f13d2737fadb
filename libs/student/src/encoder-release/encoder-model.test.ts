import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LlambertError } from '@llambert/domain';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCheckpoint } from '../encoder/checkpoint.ts';
import type { EncoderFamily } from '../encoder/config.ts';
import type { Pooling } from '../encoder/graph.ts';
import { scorer } from '../encoder/reader.ts';
import { readTokenizer, type TokenizableText } from '../encoder/tokenizer.ts';
import type { TrainedEncoder } from '../encoder/trained.ts';
import { classifierShapes } from '../encoder/weights.ts';
import { loadEncoderModel } from './encoder-model.ts';
import type { Precision } from './precision.ts';
import { labels, tinyRelease } from './release.fixture.ts';
import { longestInBatch, planRuns } from './runs.ts';
import { releasePrecision, saveEncoder } from './save.ts';

const long = 'The worst two hours of my life, and of the lives of all who sat beside me in that cinema on that night, I am quite sure. ';
const single: TokenizableText[] = [
  'A film.',
  'I liked every minute of it, the music most of all',
  '',
  'no',
  long.repeat(3),
  long.slice(0, 80),
  'a story told well',
  'no',
].map((text) => ({ text }));
const pairs: TokenizableText[] = [
  ...single.slice(0, 4),
  { text: 'the film', textPair: 'the book was better' },
  { text: long.repeat(3), textPair: 'b' },
];

/** Logits by the graph that training scores held-out texts with. */
async function expectedLogits(release: TrainedEncoder, documents: readonly TokenizableText[]): Promise<Float32Array> {
  const texts = await readTokenizer(release.tokenizerJson, 'fixture').tokenize(documents, release);
  const shape = { ...release, shapes: classifierShapes(release.config, labels) };
  const reader = await scorer(shape, { threads: 1, microBatchTokens: 1 });
  return reader.read(
    texts.map((tokens) => ({ tokens })),
    release.weights,
  );
}

function greatestDifference(actual: Float32Array, wanted: Float32Array): number {
  expect(actual.length).toBe(wanted.length);
  return Math.max(...wanted.map((value, at) => Math.abs(value - actual[at]!)));
}

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'llambert-encoder-'));
});
afterAll(() => rm(root, { recursive: true }));

async function saved(release: TrainedEncoder): Promise<string> {
  const folder = await mkdtemp(join(root, 'model-'));
  await saveEncoder(folder, release);
  return folder;
}

const families: EncoderFamily[] = ['bert', 'roberta', 'xlm-roberta', 'distilbert'];
const poolings: Pooling[] = ['first', 'mean'];
const forms = families.flatMap((family) => poolings.map((pooling) => [family, pooling] as const));

it.each(families)('the texts for %s run in both graphs, alone and together', async (family) => {
  const release = tinyRelease(family, 'first', true);
  for (const documents of [single, pairs]) {
    const texts = await readTokenizer(release.tokenizerJson, 'fixture').tokenize(documents, release);
    const runs = planRuns(
      texts.map(({ ids }) => ids.length),
      longestInBatch,
    );
    expect(runs.some(({ variant }) => variant === 'single')).toBe(true);
    expect(runs.some((run) => run.texts.length > 1)).toBe(true);
  }
});

describe.each(forms)('a released %s with %s pooling', (family, pooling) => {
  it.each([false, true])('has the logits of the training graph, alone and in batches (text pairs: %s)', async (withPairs) => {
    const release = tinyRelease(family, pooling, withPairs);
    const documents = withPairs ? pairs : single;
    const wanted = await expectedLogits(release, documents);
    const model = await loadEncoderModel(await saved(release), labels);
    expect(model.precision).toBe('fp32');
    const { logits } = await model.logits(documents);
    expect(greatestDifference(logits, wanted)).toBeLessThan(1e-5);
    expect((await model.logits(documents)).logits).toEqual(logits);
    for (const [row, document] of documents.entries()) {
      const alone = (await model.logits([document])).logits;
      expect(greatestDifference(alone, wanted.subarray(row * labels, (row + 1) * labels))).toBeLessThan(1e-5);
    }
  });

  it('is close to that in 8-bit integers, and independent of what else is labelled', async () => {
    const release = tinyRelease(family, pooling, true);
    const wanted = await expectedLogits(release, pairs);
    const model = await loadEncoderModel(await saved(release), labels, 'int8');
    const { logits } = await model.logits(pairs);
    // Logits are about 1 in size.
    expect(greatestDifference(logits, wanted)).toBeLessThan(0.1);
    expect(greatestDifference(logits, wanted)).toBeGreaterThan(0);
    for (const [row, document] of pairs.entries()) {
      const alone = (await model.logits([document])).logits;
      expect(greatestDifference(alone, logits.subarray(row * labels, (row + 1) * labels))).toBeLessThan(1e-5);
    }
  });
});

describe('a released encoder', () => {
  it('says which texts it did not read to their end', async () => {
    const model = await loadEncoderModel(await saved(tinyRelease('bert', 'first', false)), labels);
    expect([...(await model.logits(single)).truncated]).toEqual([0, 0, 0, 0, 1, 0, 0, 0]);
  });

  it('answers nothing for no documents', async () => {
    const model = await loadEncoderModel(await saved(tinyRelease('bert', 'first', false)), labels);
    expect(await model.logits([])).toEqual({ logits: new Float32Array(0), truncated: new Uint8Array(0) });
  });

  it('can be closed, whichever of its graphs were used', async () => {
    const folder = await saved(tinyRelease('bert', 'first', false));
    const unused = await loadEncoderModel(folder, labels);
    await unused.close();
    const used = await loadEncoderModel(folder, labels);
    await used.logits(single);
    await used.close();
  });

  it.each(families)('is a checkpoint as it was before: %s', async (family) => {
    const release = tinyRelease(family, 'mean', true);
    const { config, readWeights } = await openCheckpoint(await saved(release));
    expect(config).toEqual(release.config);
    for (const [name, values] of await readWeights()) expect([name, values]).toEqual([name, release.weights.get(name)]);
  });

  it('has equal bytes for equal weights', async () => {
    const contents = async () => {
      const folder = await saved(tinyRelease('bert', 'first', true));
      const names = (await readdir(folder)).sort();
      return Promise.all(names.map(async (name) => [name, await readFile(join(folder, name))]));
    };
    expect(await contents()).toEqual(await contents());
  });

  it('labels with the precision that was released, and keeps no files of one that was not', async () => {
    const folder = await saved(tinyRelease('bert', 'first', false));
    const all = (await readdir(folder)).sort();
    await releasePrecision(folder, 'int8');
    expect((await loadEncoderModel(folder, labels)).precision).toBe('int8');
    expect((await readdir(folder)).sort()).toEqual(all);
    await releasePrecision(folder, 'fp32');
    expect((await loadEncoderModel(folder, labels)).precision).toBe('fp32');
    expect((await readdir(folder)).sort()).toEqual(all.filter((name) => !name.includes('int8')));
  });
});

describe('a damaged release', () => {
  const load = async (damage: (folder: string) => Promise<unknown>, precision: Precision = 'fp32', count = labels) => {
    const folder = await saved(tinyRelease('bert', 'first', false));
    await damage(folder);
    const error = await loadEncoderModel(folder, count, precision).then(
      () => null,
      (thrown) => thrown,
    );
    expect(error).toBeInstanceOf(LlambertError);
    expect((error as LlambertError).code).toBe('corrupt_artifact');
    return (error as LlambertError).message;
  };
  const edit = (name: string, change: (json: Record<string, unknown>) => unknown) => async (folder: string) => {
    const path = join(folder, name);
    await writeFile(path, JSON.stringify(change(JSON.parse(await readFile(path, 'utf8')))));
  };

  const needed = ['encoder.json', 'config.json', 'tokenizer.json', 'model.safetensors', 'single.fp32.onnx'];
  it.each(needed)('is refused without %s', async (name) => {
    expect(await load((folder) => rm(join(folder, name)))).toContain(name);
  });

  it.each(needed)('is refused with half of %s', async (name) => {
    const half = async (folder: string) => truncate(join(folder, name), Math.floor((await readFile(join(folder, name))).length / 2));
    expect(await load(half)).toContain(name);
  });

  it('is refused where the integers are of another model', async () => {
    const other = tinyRelease('bert', 'first', false);
    const smaller = { ...other, config: { ...other.config, layers: 1 } };
    const exchanged = async (folder: string) => {
      await writeFile(join(folder, 'model.int8.safetensors'), await readFile(join(await saved(smaller), 'model.int8.safetensors')));
    };
    expect(await load(exchanged, 'int8')).toContain('encoder.layer.1.');
  });

  it('is refused where it has other labels than the task', async () => {
    expect(await load(async () => {}, 'fp32', 4)).toContain('3 labels and not 4');
  });

  it('is refused where config.json is of another encoder', async () => {
    expect(await load(edit('config.json', (json) => ({ ...json, hidden_size: 64 })))).toContain('embeddings.word_embeddings.weight');
  });

  it('is refused where it would read more tokens than there are positions', async () => {
    expect(await load(edit('encoder.json', (json) => ({ ...json, maxTokens: 113 })))).toContain("the encoder's 112");
  });

  it.each([
    { format: 'llambert.encoder.v0' },
    { pooling: 'last' },
    { precision: 'toString' },
    { maxTokens: '40' },
    { truncation: 'tail' },
    { labels: null },
  ])('is refused with the setting %j', async (setting) => {
    expect(await load(edit('encoder.json', (json) => ({ ...json, ...setting })))).toContain('encoder.json');
  });

  it('is refused where a weight is no number', async () => {
    const poisoned = async (folder: string) => {
      const path = join(folder, 'model.safetensors');
      const bytes = await readFile(path);
      new DataView(bytes.buffer, bytes.byteOffset).setFloat32(bytes.length - 4, Number.NaN, true);
      await writeFile(path, bytes);
    };
    expect(await load(poisoned)).toContain('not a finite number');
  });
});
