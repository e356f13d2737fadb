import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LlambertError } from '@llambert/domain';
import type { Pooling } from '../encoder/graph.ts';
import type { TruncationOptions } from '../encoder/tokenizer.ts';
import type { Precision, Variant } from './precision.ts';

// The files of a released encoder: Hugging Face's config.json, tokenizer.json and model.safetensors, and for each precision two graphs
// that point into its weights.

export const settingsFile = 'encoder.json';
export const configFile = 'config.json';
export const tokenizerFile = 'tokenizer.json';

/** Weights in float32 are the checkpoint's own file, for others to read too. */
export const weightsFile: Readonly<Record<Precision, string>> = { fp32: 'model.safetensors', int8: 'model.int8.safetensors' };

export function graphFile(precision: Precision, variant: Variant): string {
  return `${variant}.${precision}.onnx`;
}

const format = 'llambert.encoder.v1';
const poolings: readonly unknown[] = ['first', 'mean'] satisfies Pooling[];
const truncations: readonly unknown[] = ['head', 'head-and-tail'] satisfies TruncationOptions['truncation'][];

/** What config.json does not say: encoder.json. */
export interface EncoderSettings extends TruncationOptions {
  readonly pooling: Pooling;
  /** Whether the graphs read token types. */
  readonly pairs: boolean;
  readonly labels: number;
  /** Tokens of the longest text for the batch graph; longer ones are for the single one. */
  readonly longestInBatch: number;
  /** The precision to label with. The files of float32 are there in any case. */
  readonly precision: Precision;
}

/** The settings and, for programs that know nothing of ours, which files to run. */
export function settingsText(settings: EncoderSettings): string {
  const { precision } = settings;
  const graphs = { single: graphFile(precision, 'single'), batch: graphFile(precision, 'batch') };
  return `${JSON.stringify({ format, ...settings, graphs, weights: weightsFile[precision] }, null, 2)}\n`;
}

/** Reads encoder.json. Throws `corrupt_artifact`. */
export async function readSettings(folder: string): Promise<EncoderSettings> {
  const path = join(folder, settingsFile);
  const json = (await readJson(path)) as Partial<Record<keyof EncoderSettings | 'format', unknown>> | null;
  if (json?.format !== format) throw corrupt(path, `its format is not ${format}`);
  const { pooling, pairs, labels, longestInBatch, precision, maxTokens, truncation } = json;
  const sound =
    poolings.includes(pooling) &&
    typeof pairs === 'boolean' &&
    isCount(labels) &&
    isCount(longestInBatch) &&
    typeof precision === 'string' &&
    Object.hasOwn(weightsFile, precision) &&
    isCount(maxTokens) &&
    truncations.includes(truncation);
  if (!sound) throw corrupt(path, 'its settings are not those of an encoder');
  return { pooling, pairs, labels, longestInBatch, precision, maxTokens, truncation } as EncoderSettings;
}

/** A JSON file's value. Throws `corrupt_artifact`. */
export async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((cause) => {
    throw corrupt(path, 'it cannot be read', cause);
  });
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw corrupt(path, 'it is not JSON', cause);
  }
}

export function corrupt(file: string, problem: string, cause?: unknown): LlambertError {
  return new LlambertError('corrupt_artifact', `${file} is not part of a usable model: ${problem}. Train or fetch the model again`, {
    facts: { file },
    cause,
  });
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) > 0;
}
