import { normalNumbers } from '../random.ts';
import type { EncoderConfig } from './config.ts';
import { encoderWeightShapes } from './weights.ts';

/** Standard deviation of fresh weights (Devlin et al. 2019 and their published code: `initializer_range`). */
const initialDeviation = 0.02;

/**
 * `scratch:small`: an encoder of BERT's shape for machines that reach no hub, of 3.2 M parameters beside its vocabulary. Small enough
 * to learn something from a few thousand texts, too small to need many.
 */
export function scratchConfig(vocabularySize: number): EncoderConfig {
  return {
    family: 'bert',
    vocabularySize,
    hiddenSize: 256,
    layers: 4,
    heads: 4,
    intermediateSize: 1024,
    positions: 256,
    firstPosition: 0,
    tokenTypes: 2,
    layerNormEpsilon: 1e-12,
    padTokenId: 0,
    dropout: { hidden: 0.1, attention: 0.1 },
  };
}

/**
 * Fresh weights as in Devlin et al. 2019: matrices and tables from a normal distribution of mean 0 and deviation 0.02, biases 0,
 * norms 1. Equal seeds give equal weights.
 * @param seed a whole number from 0 to 2^32 - 1
 * @param names which of them to keep; left out: all
 */
export function initialWeights(config: EncoderConfig, seed: number, names?: readonly string[]): Map<string, Float32Array> {
  const normal = normalNumbers(seed);
  const weights = new Map<string, Float32Array>();
  for (const [name, shape] of encoderWeightShapes(config)) {
    const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
    if (name.endsWith('LayerNorm.weight')) values.fill(1);
    else if (!name.endsWith('.bias')) for (let index = 0; index < values.length; index++) values[index] = initialDeviation * normal();
    if (names === undefined || names.includes(name)) weights.set(name, values);
    if (weights.size === names?.length) break;
  }
  return weights;
}
