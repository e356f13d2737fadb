import { join } from 'node:path';
import { LlambertError } from '@llambert/domain';
import type { InferenceSession } from 'onnxruntime-node';
import { type EncoderConfig, maxTokens, parseEncoderConfig } from '../encoder/config.ts';
import { checkVocabularyFits, loadTokenizer, type TokenizableText, type TokenizedText } from '../encoder/tokenizer.ts';
import { floatsOf, int32s, openSession } from '../onnx/session.ts';
import { configFile, corrupt, type EncoderSettings, graphFile, readJson, readSettings, settingsFile, tokenizerFile } from './files.ts';
import { readsTypes } from './inference-graph.ts';
import type { Precision, Variant } from './precision.ts';
import { planRuns } from './runs.ts';
import { placedTensors } from './tensors.ts';

/** A released encoder, ready to label. One call at a time; give each thread its own. */
export interface EncoderModel {
  readonly precision: Precision;
  /**
   * Logits of every label of every document, [documents, labels], and 1 where only part of a text was read, [documents]. Equal documents
   * get equal logits, whatever else is labelled with them, but for rounding.
   */
  logits(documents: readonly TokenizableText[]): Promise<{ readonly logits: Float32Array; readonly truncated: Uint8Array }>;
}

/**
 * Reads what `saveEncoder` wrote, whose files are taken as verified against their digests. Computes in one thread, on the calling one.
 * Throws `corrupt_artifact` where the files are missing, damaged, do not belong together, or have another number of labels.
 * @param precision the released one where it is left out
 */
export async function loadEncoderModel(folder: string, labels: number, precision?: Precision): Promise<EncoderModel> {
  const settings = await readSettings(folder);
  const used = precision ?? settings.precision;
  if (settings.labels !== labels) throw corrupt(join(folder, settingsFile), `it has ${settings.labels} labels and not ${labels}`);
  const config = await asArtifact(join(folder, configFile), async (path) => parseEncoderConfig(await readJson(path), path));
  if (settings.maxTokens > maxTokens(config)) {
    throw corrupt(join(folder, settingsFile), `its ${settings.maxTokens} tokens are more than the encoder's ${maxTokens(config)}`);
  }
  const tokenizer = await asArtifact(join(folder, tokenizerFile), async (path) => {
    const loaded = await loadTokenizer(path);
    checkVocabularyFits(loaded, config, path);
    return loaded;
  });
  await placedTensors(folder, config, labels, used);
  const runners = await openRunners(folder, used, config, settings);
  return {
    precision: used,
    async logits(documents) {
      const texts = await tokenizer.tokenize(documents, settings);
      const logits = new Float32Array(texts.length * labels);
      const lengths = texts.map(({ ids }) => ids.length);
      for (const run of planRuns(lengths, settings.longestInBatch)) {
        const rows = await runners[run.variant](run.texts.map((text) => texts[text]!));
        for (const [from, text] of run.texts.entries()) logits.set(rows.subarray(from * labels, (from + 1) * labels), text * labels);
      }
      return { logits, truncated: Uint8Array.from(texts, ({ truncated }) => Number(truncated)) };
    },
  };
}

/** Logits of texts that run together. */
type Runner = (texts: readonly TokenizedText[]) => Promise<Float32Array>;

/** Opens the graphs, that of several texts when there is the first need: each session has a copy of the weights in memory. */
async function openRunners(
  folder: string,
  precision: Precision,
  config: EncoderConfig,
  settings: EncoderSettings,
): Promise<Readonly<Record<Variant, Runner>>> {
  const withTypes = readsTypes({ config, ...settings });
  const open = async (variant: Variant): Promise<Runner> => {
    const path = join(folder, graphFile(precision, variant));
    const session = await openSession(path, { threads: 1 }).catch((cause) => {
      throw corrupt(path, 'onnxruntime cannot read it', cause);
    });
    const feeds = variant === 'single' ? singleFeeds : batchFeeds;
    const runner: Runner = async (texts) => floatsOf((await session.run(feeds(texts, config.padTokenId, withTypes)))['logits']!);
    await probe(runner, path, config, settings.labels, variant === 'single' ? 1 : 2);
    return runner;
  };
  const single = await open('single');
  let batch: Promise<Runner> | undefined;
  return {
    single,
    async batch(texts) {
      batch ??= open('batch');
      return (await batch)(texts);
    },
  };
}

/** One run, so that graph and weights are known to fit, and the first document does not wait for memory. */
async function probe(runner: Runner, path: string, config: EncoderConfig, labels: number, texts: number): Promise<void> {
  const text = { ids: new Int32Array(2).fill(config.padTokenId), types: new Int32Array(2), truncated: false };
  const logits = await runner(Array.from({ length: texts }, () => text)).catch((cause) => {
    throw corrupt(path, 'onnxruntime cannot run it', cause);
  });
  if (logits.length !== texts * labels) throw corrupt(path, `it answers ${logits.length / texts} labels and not ${labels}`);
  if (!logits.every(Number.isFinite)) throw corrupt(path, 'its weights hold what is not a finite number');
}

function singleFeeds([text]: readonly TokenizedText[], _padTokenId: number, withTypes: boolean): InferenceSession.FeedsType {
  const { ids, types } = text!;
  const shape = [ids.length];
  return { ids: int32s(ids, shape), ...(withTypes ? { types: int32s(types, shape) } : {}) };
}

/** Texts side by side, [tokens, texts]. */
function batchFeeds(texts: readonly TokenizedText[], padTokenId: number, withTypes: boolean): InferenceSession.FeedsType {
  const lengths = Int32Array.from(texts, ({ ids }) => ids.length);
  const shape = [Math.max(...lengths), texts.length];
  const ids = new Int32Array(shape[0]! * texts.length).fill(padTokenId);
  const types = new Int32Array(withTypes ? ids.length : 0);
  for (const [column, text] of texts.entries()) {
    for (let token = 0; token < text.ids.length; token++) {
      const at = token * texts.length + column;
      ids[at] = text.ids[token]!;
      if (withTypes) types[at] = text.types[token]!;
    }
  }
  return { ids: int32s(ids, shape), lengths: int32s(lengths, [texts.length]), ...(withTypes ? { types: int32s(types, shape) } : {}) };
}

/** Does something with a file of a released model, where every error is the artifact's. */
async function asArtifact<T>(path: string, act: (path: string) => Promise<T>): Promise<T> {
  try {
    return await act(path);
  } catch (error) {
    if (!(error instanceof LlambertError) || error.code === 'corrupt_artifact') throw error;
    throw corrupt(path, error.message, error);
  }
}
