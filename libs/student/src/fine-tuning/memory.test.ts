import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import type { EncoderConfig } from '../encoder/config.ts';
import { microBatch, weightFeeds } from '../encoder/micro-batch.ts';
import { initialWeights, scratchConfig } from '../encoder/scratch.ts';
import { classifierShapes } from '../encoder/weights.ts';
import { floats } from '../onnx/session.ts';
import { activationBytes, expectMemory, fineTuningBytes } from './memory.ts';
import { trainingGraph } from './training-graph.ts';

const minilm = { ...scratchConfig(30_522), hiddenSize: 384, layers: 6, heads: 12, intermediateSize: 1536, positions: 512 };
const base = { ...minilm, hiddenSize: 768, layers: 12, intermediateSize: 3072 };

/** What onnxruntime says of a run of the training graph: the most bytes that were asked for and not given back. */
async function peakBytes(config: EncoderConfig, texts: number, tokens: number): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'llambert-profile-'));
  const shape = { config, pooling: 'mean', shapes: classifierShapes(config, 2) } as const;
  const head = [['classifier.weight', new Float32Array(2 * config.hiddenSize)] as const, ['classifier.bias', new Float32Array(2)] as const];
  const weights = new Map([...initialWeights(config, 1), ...head]);
  const { model, dropouts } = trainingGraph(shape, { kind: 'single', noiseRobustness: null });
  const session = await InferenceSession.create(model, {
    enableMemPattern: false,
    enableProfiling: true,
    profileFilePrefix: join(folder, 'run'),
    intraOpNumThreads: 1,
  });
  const batch = microBatch(
    Array.from({ length: texts }, () => ({
      tokens: { ids: new Int32Array(tokens), types: new Int32Array(tokens), truncated: false },
    })),
    shape,
    weights,
  );
  const sizes: Readonly<Record<string, number>> = { texts, tokens, rows: texts * tokens };
  const masks = dropouts.map(({ name, shape: named }) => {
    const known = named.map((size) => (typeof size === 'number' ? size : sizes[size]!));
    return [name, floats(new Float32Array(known.reduce((product, size) => product * size)).fill(1), known)] as const;
  });
  const cells = floats(new Float32Array(2 * texts).fill(0.5), [texts, 2]);
  await session.run({ ...weightFeeds(shape, weights), ...batch.feeds, ...Object.fromEntries(masks), targets: cells, weights: cells });
  session.endProfiling();
  const [profile] = await readdir(folder);
  const events = JSON.parse(await readFile(join(folder, profile!), 'utf8')) as { args?: { mem_bytes_requested_in_use?: string } }[];
  await rm(folder, { recursive: true });
  return Math.max(...events.map(({ args }) => Number(args?.mem_bytes_requested_in_use ?? 0)));
}

describe('the memory of a training', () => {
  it.each([
    ['MiniLM, 32 tokens', minilm, 32, 12_592, 673],
    ['MiniLM, 128 tokens', minilm, 128, 12_700, 768],
    ['MiniLM, 256 tokens', minilm, 256, 12_832, 874],
    ['MiniLM, 512 tokens', minilm, 512, 17_063, 1158],
    ['BERT-base, 128 tokens', base, 128, 8758, 2666],
    ['BERT-base, 256 tokens', base, 256, 10_309, 3198],
  ])('is near what was measured: %s', (_, config, longest, usedWords, measuredMebibytes) => {
    const run = { tokens: 2048, longest, several: 16 * longest > 2048 };
    const mebibytes = fineTuningBytes(config, usedWords, run) / 2 ** 20;
    expect(Math.abs(mebibytes / measuredMebibytes - 1)).toBeLessThan(1 / 20);
  });

  it.each([
    ['short texts', 32, 16],
    ['long texts', 2, 256],
  ])('is taken by a run for no more than what the backward pass must find: %s', async (_, texts, tokens) => {
    const config = { ...minilm, vocabularySize: 10, positions: 256, layers: 8, hiddenSize: 96, heads: 4, intermediateSize: 384 };
    const peak = await peakBytes(config, texts, tokens);
    expect(peak / activationBytes(config, texts * tokens, tokens)).toBeGreaterThan(0.9);
    expect(peak / activationBytes(config, texts * tokens, tokens)).toBeLessThan(1.1);
  });

  it('is refused where there is less, with what would fit', () => {
    expect(() => expectMemory(2e9, 3e9)).not.toThrow();
    expect(() => expectMemory(4.24e9, 2e9)).toThrow('takes about 4.2 GB of memory, and 2.0 GB are free. Free some, choose a smaller');
  });
});
