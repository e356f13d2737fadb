import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseEncoderConfig } from '../encoder/config.ts';
import { type EncoderShape, evaluationGraph } from '../encoder/forward-graph.ts';
import type { Pooling } from '../encoder/graph.ts';
import { microBatch, weightFeeds } from '../encoder/micro-batch.ts';
import { checkpointNames, encoderWeightShapes } from '../encoder/weights.ts';
import { floats, floatsOf, openSession } from '../onnx/session.ts';
import { float32Values, readSafetensors } from '../safetensors.ts';
import { Gradients } from './gradients.ts';
import { gradientOf, trainingGraph } from './training-graph.ts';

/** PyTorch's answers: see fixtures/make_encoder_fixtures.py. */
function oracle(family: string, pooling: Pooling) {
  const file = join(import.meta.dirname, `../../fixtures/encoders/${family}-${pooling}`);
  const tensors = readSafetensors(readFileSync(`${file}.safetensors`), file);
  const facts = JSON.parse(readFileSync(`${file}.json`, 'utf8')) as {
    config: { dropout?: number };
    ids: number[][];
    types: number[][];
    targets: number[][];
    weights: number[];
  };
  const parsed = parseEncoderConfig(facts.config, file);
  const config = { ...parsed, dropout: { hidden: 0, attention: 0 } };
  const head = { 'classifier.weight': [3, config.hiddenSize], 'classifier.bias': [3] };
  const shape: EncoderShape = { config, pooling, shapes: new Map([...encoderWeightShapes(config), ...Object.entries(head)]) };
  const named = checkpointNames(config.family);
  const values = (kind: string) => (name: string) => {
    const tensor = tensors.get(`${kind} ${named(name)}`);
    return tensor === undefined ? null : float32Values(tensor);
  };
  const weights = new Map([...shape.shapes.keys()].map((name) => [name, values('weight')(name)!]));
  const texts = facts.ids.map((ids, text) => ({
    tokens: { ids: Int32Array.from(ids), types: Int32Array.from(facts.types[text]!), truncated: false },
  }));
  return {
    shape,
    weights,
    texts,
    facts,
    gradient: values('gradient'),
    logits: float32Values(tensors.get('logits')!),
    loss: tensors.get('loss')!,
  };
}

/** ‖actual − wanted‖ / ‖wanted‖. */
function relativeError(actual: ArrayLike<number>, wanted: Float32Array): number {
  expect(actual.length).toBe(wanted.length);
  return Math.hypot(...wanted.map((value, at) => actual[at]! - value)) / Math.hypot(...wanted);
}

const families = ['bert', 'roberta', 'distilbert'];
const poolings: Pooling[] = ['first', 'mean'];

describe.each(families.flatMap((family) => poolings.map((pooling) => [family, pooling] as const)))(
  '%s, %s pooling, beside PyTorch',
  (family, pooling) => {
    it('has its loss and its gradients', async () => {
      const { shape, weights, texts, facts, gradient, loss } = oracle(family, pooling);
      const session = await openSession(trainingGraph(shape, { kind: 'single', noiseRobustness: null }).model, { threads: 1 });
      const batch = microBatch(texts, shape, weights);
      const gradients = new Gradients(shape, weights);
      const feeds = {
        ...weightFeeds(shape, weights),
        ...batch.feeds,
        targets: floats(Float32Array.from(facts.targets.flat()), [3, 3]),
        weights: floats(Float32Array.from(facts.weights.flatMap((weight) => [weight, weight, weight])), [3, 3]),
      };
      const outputs = await session.run(feeds);
      expect(relativeError(floatsOf(outputs['loss']!), float32Values(loss))).toBeLessThan(1e-6);
      gradients.add(outputs, batch);
      let compared = 0;
      for (const name of shape.shapes.keys()) {
        const wanted = gradient(name);
        if (wanted === null) continue;
        // Padding has embeddings, whose gradient is zero here and for PyTorch.
        expect([name, relativeError(gradients.sums.get(name)!, wanted) < 1e-5]).toEqual([name, true]);
        compared += 1;
      }
      // All weights but the layers' key biases, whose gradient is exactly zero.
      expect(compared).toBe(shape.shapes.size - shape.config.layers);
      expect(outputs[gradientOf('encoder.layer.0.attention.self.key.bias')]).toBeDefined();
    });

    it('has its logits without the backward pass', async () => {
      const { shape, weights, texts, logits } = oracle(family, pooling);
      const session = await openSession(evaluationGraph(shape), { threads: 1 });
      const outputs = await session.run({ ...weightFeeds(shape, weights), ...microBatch(texts, shape, weights).feeds });
      expect(relativeError(floatsOf(outputs['logits']!), logits)).toBeLessThan(1e-5);
    });
  },
);
