import { checkCheckpoint, loadCheckpoint } from './checkpoint.ts';
import type { EncoderConfig } from './config.ts';
import { initialWeights, scratchConfig } from './scratch.ts';
import { scratchTokenizerJson } from './scratch-vocabulary.ts';
import { checkVocabularyFits, type EncoderTokenizer, loadTokenizer, readTokenizer, readTokenizerFile } from './tokenizer.ts';
import type { EncoderWeights } from './weights.ts';

/** An encoder to start from. */
export interface PretrainedEncoder {
  readonly config: EncoderConfig;
  readonly weights: EncoderWeights;
  readonly tokenizer: EncoderTokenizer;
  /** The text of its tokenizer.json. */
  readonly tokenizerJson: string;
  readonly licence: string | null;
  /** Whether its weights have learned anything yet. */
  readonly isPretrained: boolean;
}

/** Checks all of an encoder's folder but the numbers themselves. Throws as `loadPretrained`. */
export async function checkPretrained(folder: string): Promise<void> {
  const config = await checkCheckpoint(folder);
  checkVocabularyFits(await loadTokenizer(folder), config, folder);
}

/** Reads an encoder from a folder in the layout of a Hugging Face checkpoint. Throws as `loadCheckpoint` and `loadTokenizer`. */
export async function loadPretrained(folder: string): Promise<PretrainedEncoder> {
  const checkpoint = await loadCheckpoint(folder);
  const { path, json } = await readTokenizerFile(folder);
  const tokenizer = readTokenizer(json, path);
  checkVocabularyFits(tokenizer, checkpoint.config, folder);
  return { ...checkpoint, tokenizer, tokenizerJson: json, isPretrained: true };
}

/** A small encoder with fresh weights and a vocabulary built from these texts. Equal texts and seeds give equal encoders. */
export function encoderFromScratch(texts: Iterable<string>, seed: number): PretrainedEncoder {
  const tokenizerJson = scratchTokenizerJson(texts);
  const tokenizer = readTokenizer(tokenizerJson, 'the vocabulary built from the documents');
  const config = scratchConfig(tokenizer.vocabularySize);
  return { config, weights: initialWeights(config, seed), tokenizer, tokenizerJson, licence: null, isPretrained: false };
}
