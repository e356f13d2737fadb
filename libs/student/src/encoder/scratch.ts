import type { EncoderConfig } from './config.ts';
import { type EncoderWeights, encoderWeightShapes } from './weights.ts';

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
 */
export function initialWeights(config: EncoderConfig, seed: number): EncoderWeights {
  const normal = normalNumbers(seed);
  const weights = new Map<string, Float32Array>();
  for (const [name, shape] of encoderWeightShapes(config)) {
    const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
    if (name.endsWith('LayerNorm.weight')) values.fill(1);
    else if (!name.endsWith('.bias')) for (let index = 0; index < values.length; index++) values[index] = initialDeviation * normal();
    weights.set(name, values);
  }
  return weights;
}

/**
 * Numbers from the standard normal distribution by the polar method (Marsaglia and Bray 1964), which needs no sine: sums, products,
 * a root and a logarithm only.
 */
function normalNumbers(seed: number): () => number {
  const uniform = uniformNumbers(seed);
  let spare: number | null = null;
  return () => {
    if (spare !== null) {
      const kept = spare;
      spare = null;
      return kept;
    }
    for (;;) {
      const across = 2 * uniform() - 1;
      const up = 2 * uniform() - 1;
      const square = across * across + up * up;
      if (square >= 1 || square === 0) continue;
      const scale = Math.sqrt((-2 * Math.log(square)) / square);
      spare = up * scale;
      return across * scale;
    }
  };
}

/** Uniform numbers in [0, 1) with 53 bits from SFC32 (Doty-Humphrey, PractRand), seeded as there: 12 outputs thrown away. */
function uniformNumbers(seed: number): () => number {
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff)
    throw new RangeError(`a seed must be a whole number of 32 bits, not ${seed}`);
  let a = 0;
  let b = seed | 0;
  let c = 0;
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  for (let round = 0; round < 12; round++) next();
  return () => (next() * 2 ** 21 + (next() >>> 11)) / 2 ** 53;
}
