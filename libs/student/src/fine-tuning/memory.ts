import { LlambertError } from '@llambert/domain';
import type { EncoderConfig } from '../encoder/config.ts';

const floatBytes = 4;
/** The process, onnxruntime and the texts. */
const baseBytes = 150e6;
/** Sets of all weights: the encoder's own, the trained ones, the best, two moments, gradients, and what the graph hands out. */
const weightSets = 7;
/** Numbers that a layer keeps for the backward pass: per token, in units of its widths, and per pair of tokens and head. */
const kept = { hidden: 6, intermediate: 1.2, attention: 2.75 };

/**
 * About how much memory fine-tuning takes at its peak, in bytes. The constants were fitted to measured peaks (MiniLM's and BERT-base's
 * sizes, texts of 32 to 512 tokens), which it meets within a sixth.
 * @param usedWords tokens of the vocabulary that the texts contain
 * @param tokens tokens in a run of the graph, with padding
 * @param longest tokens of the longest text
 */
export function fineTuningBytes(config: EncoderConfig, usedWords: number, tokens: number, longest: number): number {
  const { hiddenSize: hidden, intermediateSize: intermediate, layers, heads } = config;
  const layerWeights = 4 * hidden * hidden + 2 * hidden * intermediate;
  const weights = layers * layerWeights + (usedWords + config.positions) * hidden;
  const perToken = kept.hidden * hidden + kept.intermediate * intermediate + kept.attention * heads * longest;
  return baseBytes + floatBytes * (weightSets * weights + layers * tokens * perToken);
}

/** Refuses a training that memory will not do for, and says what would fit. */
export function expectMemory(needed: number, available: number): void {
  if (needed <= available) return;
  throw new LlambertError(
    'invalid_input',
    `fine-tuning this encoder takes about ${gigabytes(needed)} of memory, and ${gigabytes(available)} are free. Free some, choose a smaller ` +
      'encoder, lower student.maxTokens, or leave the encoder as it is (student.model: "frozen:<encoder>"), which takes a third or less',
    { facts: { neededBytes: Math.round(needed), availableBytes: Math.round(available) } },
  );
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
