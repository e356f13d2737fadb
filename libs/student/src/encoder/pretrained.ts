import { openCheckpoint } from './checkpoint.ts';
import type { EncoderConfig } from './config.ts';
import { checkTokenizerIsOwn } from './foreign-tokenizer.ts';
import { initialWeights, scratchConfig } from './scratch.ts';
import { scratchTokenizerJson } from './scratch-vocabulary.ts';
import { type EncoderTokenizer, readTokenizer, readTokenizerFile } from './tokenizer.ts';
import type { ReadWeights } from './weights.ts';

/** An encoder to start from. */
export interface PretrainedEncoder {
  readonly config: EncoderConfig;
  readonly readWeights: ReadWeights;
  readonly tokenizer: EncoderTokenizer;
  /** The text of its tokenizer.json. */
  readonly tokenizerJson: string;
  readonly licence: string | null;
  /** Whether its weights have learned anything yet. */
  readonly isPretrained: boolean;
}

/** Checks all of an encoder's folder but the numbers themselves. Throws as `loadPretrained`. */
export async function checkPretrained(folder: string): Promise<void> {
  await loadOwnTokenizer(folder, (await openCheckpoint(folder)).config);
}

/**
 * An encoder in a folder in the layout of a Hugging Face checkpoint, its weights still unread. Throws as `openCheckpoint`, `loadTokenizer` and
 * `checkTokenizerIsOwn`.
 */
export async function loadPretrained(folder: string): Promise<PretrainedEncoder> {
  const checkpoint = await openCheckpoint(folder);
  return { ...checkpoint, ...(await loadOwnTokenizer(folder, checkpoint.config)), isPretrained: true };
}

async function loadOwnTokenizer(folder: string, config: EncoderConfig): Promise<Pick<PretrainedEncoder, 'tokenizer' | 'tokenizerJson'>> {
  const { path, json } = await readTokenizerFile(folder);
  const tokenizer = readTokenizer(json, path);
  await checkTokenizerIsOwn(folder, json, tokenizer, config);
  return { tokenizer, tokenizerJson: json };
}

/** A small encoder with fresh weights and a vocabulary built from these texts. Equal texts and seeds give equal encoders. */
export function encoderFromScratch(texts: Iterable<string>, seed: number): PretrainedEncoder {
  const tokenizerJson = scratchTokenizerJson(texts);
  const tokenizer = readTokenizer(tokenizerJson, 'the vocabulary built from the documents');
  const config = scratchConfig(tokenizer.vocabularySize);
  const readWeights: ReadWeights = async (names) => initialWeights(config, seed, names);
  return { config, readWeights, tokenizer, tokenizerJson, licence: null, isPretrained: false };
}
