import { LlambertError } from '@llambert/domain';
import type { EncoderConfig } from '../encoder/config.ts';

const floatBytes = 4;
/** The process, onnxruntime and the texts. */
const baseBytes = 180e6;
/** Sets of all weights: the trained ones, two moments, and gradients. */
const weightSets = 4;
/** Matrices that a layer's backward pass has at a time: as wide as its inside, or of the attention's shares. */
const passing = { intermediate: 4, shares: 2 };
/** What onnxruntime's arena holds beside what was asked for. */
const arena = 1.1;

/** What a run takes, and what an update's runs are. */
export interface RunSize {
  /** Tokens in a run of the graph, with padding. */
  readonly tokens: number;
  /** Tokens of the longest text. */
  readonly longest: number;
  /** Whether an update may take several runs, whose gradients are added up. */
  readonly several: boolean;
}

/**
 * About how much memory fine-tuning takes at its peak, in bytes. What the constants leave out was fitted to measured peaks (MiniLM's and
 * BERT-base's sizes, texts of 32 to 512 tokens), which it meets within a twentieth.
 * @param usedWords tokens of the vocabulary that the texts contain
 */
export function fineTuningBytes(config: EncoderConfig, usedWords: number, run: RunSize): number {
  const { hiddenSize: hidden, intermediateSize: intermediate, layers, heads } = config;
  const matrices = layers * (4 * hidden * hidden + 2 * hidden * intermediate);
  const weights = matrices + (usedWords + config.positions) * hidden;
  const later = run.several ? matrices : 0;
  const masks = run.tokens * Math.max(hidden, heads * run.longest);
  return baseBytes + floatBytes * (weightSets * weights + later + masks) + arena * activationBytes(config, run.tokens, run.longest);
}

/**
 * Bytes that a run of the training graph has in use at its peak, between the forward and the backward pass. A layer keeps of each token the
 * queries, keys and values, what attention mixed, both sums before the norms, what goes into the GELU, and the attention's shares.
 */
export function activationBytes(config: EncoderConfig, tokens: number, longest: number): number {
  const { hiddenSize: hidden, intermediateSize: intermediate, layers, heads } = config;
  const shares = heads * longest;
  const kept = 6 * hidden + intermediate + shares;
  return floatBytes * tokens * (layers * kept + Math.max(passing.intermediate * intermediate, passing.shares * shares));
}

/** Refuses a training that memory will not do for, and says what would fit. */
export function expectMemory(needed: number, available: number): void {
  if (needed <= available) return;
  throw new LlambertError(
    'invalid_input',
    `fine-tuning this encoder takes about ${gigabytes(needed)} of memory, and ${gigabytes(available)} are free. Free some, choose a smaller ` +
      'encoder, lower student.maxTokens, or leave the encoder as it is (student.model: "frozen:<encoder>"), which takes half or less',
    { facts: { neededBytes: Math.round(needed), availableBytes: Math.round(available) } },
  );
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
