import { defaultStudentSettings, type StudentSettings } from '@llambert/domain';
import type { EncoderConfig } from './encoder/config.ts';
import { encoderFromScratch, type PretrainedEncoder } from './encoder/pretrained.ts';
import { initialWeights } from './encoder/scratch.ts';

// For tests only.

/** As from scratch, but narrow, so that tests take no time. */
export function tinyEncoder(texts: readonly string[]): PretrainedEncoder {
  const made = encoderFromScratch(texts, 1);
  const sizes = { hiddenSize: 24, layers: 1, heads: 2, intermediateSize: 32, positions: 40 };
  const config: EncoderConfig = { ...made.config, ...sizes };
  return { ...made, config, readWeights: async (names) => initialWeights(config, 1, names) };
}

export const encoderSettings: StudentSettings = {
  ...defaultStudentSettings,
  model: 'fine-tuned',
  encoder: 'scratch:small',
  maxTokens: 32,
  fineTuning: { ...defaultStudentSettings.fineTuning, epochs: 8, learningRate: 5e-3, patience: 8 },
};

/** Share of rows whose greatest logit is that of the target's greatest share. */
export function accuracy(logits: Float32Array, targets: readonly (readonly number[])[]): number {
  const width = targets[0]!.length;
  const right = targets.filter((target, row) => {
    const own = [...logits.subarray(row * width, (row + 1) * width)];
    return own.indexOf(Math.max(...own)) === target.indexOf(Math.max(...target));
  });
  return right.length / targets.length;
}
