import { describe, expect, it } from 'vitest';
import { initialWeights, scratchConfig } from './scratch.ts';
import { checkpointNames, checkpointNamesAmong, encoderWeightShapes } from './weights.ts';

const config = { ...scratchConfig(50), hiddenSize: 8, heads: 2, intermediateSize: 12, positions: 16, layers: 2 };

describe('the weights of an encoder', () => {
  it('have the names and shapes of BERT, in one order', () => {
    const shapes = encoderWeightShapes(config);
    expect(shapes.size).toBe(5 + 2 * 16);
    expect([...shapes].slice(0, 5)).toEqual([
      ['embeddings.word_embeddings.weight', [50, 8]],
      ['embeddings.position_embeddings.weight', [16, 8]],
      ['embeddings.token_type_embeddings.weight', [2, 8]],
      ['embeddings.LayerNorm.weight', [8]],
      ['embeddings.LayerNorm.bias', [8]],
    ]);
    expect([...shapes].slice(21).map(([name, shape]) => `${name} ${shape}`)).toEqual([
      'encoder.layer.1.attention.self.query.weight 8,8',
      'encoder.layer.1.attention.self.query.bias 8',
      'encoder.layer.1.attention.self.key.weight 8,8',
      'encoder.layer.1.attention.self.key.bias 8',
      'encoder.layer.1.attention.self.value.weight 8,8',
      'encoder.layer.1.attention.self.value.bias 8',
      'encoder.layer.1.attention.output.dense.weight 8,8',
      'encoder.layer.1.attention.output.dense.bias 8',
      'encoder.layer.1.attention.output.LayerNorm.weight 8',
      'encoder.layer.1.attention.output.LayerNorm.bias 8',
      'encoder.layer.1.intermediate.dense.weight 12,8',
      'encoder.layer.1.intermediate.dense.bias 12',
      'encoder.layer.1.output.dense.weight 8,12',
      'encoder.layer.1.output.dense.bias 8',
      'encoder.layer.1.output.LayerNorm.weight 8',
      'encoder.layer.1.output.LayerNorm.bias 8',
    ]);
    expect(encoderWeightShapes({ ...config, tokenTypes: 0 }).has('embeddings.token_type_embeddings.weight')).toBe(false);
  });

  it("have DistilBERT's names in its checkpoints", () => {
    const nameOf = checkpointNames('distilbert');
    const names = [...encoderWeightShapes({ ...config, tokenTypes: 0, layers: 1 }).keys()].map(nameOf);
    expect(names.filter((name) => name.endsWith('.weight'))).toEqual([
      'embeddings.word_embeddings.weight',
      'embeddings.position_embeddings.weight',
      'embeddings.LayerNorm.weight',
      'transformer.layer.0.attention.q_lin.weight',
      'transformer.layer.0.attention.k_lin.weight',
      'transformer.layer.0.attention.v_lin.weight',
      'transformer.layer.0.attention.out_lin.weight',
      'transformer.layer.0.sa_layer_norm.weight',
      'transformer.layer.0.ffn.lin1.weight',
      'transformer.layer.0.ffn.lin2.weight',
      'transformer.layer.0.output_layer_norm.weight',
    ]);
  });

  it('are found with a prefix and with the old names of norms', () => {
    const old = new Set(['bert.embeddings.word_embeddings.weight', 'bert.embeddings.LayerNorm.gamma', 'bert.embeddings.LayerNorm.beta']);
    const nameOf = checkpointNamesAmong('bert', old);
    expect(nameOf('embeddings.LayerNorm.weight')).toBe('bert.embeddings.LayerNorm.gamma');
    expect(nameOf('embeddings.LayerNorm.bias')).toBe('bert.embeddings.LayerNorm.beta');
    expect(nameOf('encoder.layer.0.output.LayerNorm.bias')).toBe('bert.encoder.layer.0.output.LayerNorm.bias');
    const plain = checkpointNamesAmong('xlm-roberta', new Set(['embeddings.word_embeddings.weight']));
    expect(plain('embeddings.LayerNorm.weight')).toBe('embeddings.LayerNorm.weight');
    const named = checkpointNamesAmong('xlm-roberta', new Set(['roberta.embeddings.word_embeddings.weight']));
    expect(named('embeddings.LayerNorm.weight')).toBe('roberta.embeddings.LayerNorm.weight');
  });
});

describe('fresh weights', () => {
  it('are normal with deviation 0.02, biases zero, norms one', () => {
    const weights = initialWeights(scratchConfig(1000), 7);
    const table = weights.get('embeddings.word_embeddings.weight')!;
    expect(table.length).toBe(256_000);
    const mean = table.reduce((sum, value) => sum + value, 0) / table.length;
    const moment = (power: number) => table.reduce((sum, value) => sum + (value / 0.02) ** power, 0) / table.length;
    // Five standard errors of each figure at 256,000 numbers.
    expect(Math.abs(mean / 0.02)).toBeLessThan(0.01);
    expect(Math.abs(moment(2) - 1)).toBeLessThan(0.014);
    expect(Math.abs(moment(3))).toBeLessThan(0.04);
    expect(Math.abs(moment(4) - 3)).toBeLessThan(0.1);
    const within = table.reduce((count, value) => count + (Math.abs(value) < 0.02 ? 1 : 0), 0) / table.length;
    expect(Math.abs(within - 0.6827)).toBeLessThan(0.005);
    expect(weights.get('encoder.layer.3.output.dense.bias')!.every((value) => value === 0)).toBe(true);
    expect(weights.get('encoder.layer.3.output.LayerNorm.bias')!.every((value) => value === 0)).toBe(true);
    expect(weights.get('encoder.layer.3.output.LayerNorm.weight')!.every((value) => value === 1)).toBe(true);
  });

  it('are the same for a seed and others for another', () => {
    expect(initialWeights(config, 3)).toEqual(initialWeights(config, 3));
    expect(initialWeights(config, 3)).not.toEqual(initialWeights(config, 4));
    expect([...initialWeights(config, 3).keys()]).toEqual([...encoderWeightShapes(config).keys()]);
    expect(() => initialWeights(config, -1)).toThrow(RangeError);
    expect(() => initialWeights(config, 0.5)).toThrow(RangeError);
  });
});
