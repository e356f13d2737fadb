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
   * @param onProgress hears after each run the share of the tokens that are read, in [0, 1]
   */
  logits(
    documents: readonly TokenizableText[],
    onProgress?: (share: number) => void,
  ): Promise<{ readonly logits: Float32Array; readonly truncated: Uint8Array }>;
  /** Gives back memory that the garbage collector does not see. Afterwards the model labels nothing. */
  close(): Promise<void>;
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
  const graphs = await openGraphs(folder, used, config, settings);
  return {
    precision: used,
    async logits(documents, onProgress) {
      const texts = await tokenizer.tokenize(documents, settings);
      const logits = new Float32Array(texts.length * labels);
      const lengths = texts.map(({ ids }) => ids.length);
      const all = lengths.reduce((sum, length) => sum + length, 0);
      let read = 0;
      for (const run of planRuns(lengths, settings.longestInBatch)) {
        const rows = await graphs.run(
          run.variant,
          run.texts.map((text) => texts[text]!),
        );
        for (const [from, text] of run.texts.entries()) logits.set(rows.subarray(from * labels, (from + 1) * labels), text * labels);
        for (const text of run.texts) read += lengths[text]!;
        onProgress?.(read / all);
      }
      return { logits, truncated: Uint8Array.from(texts, ({ truncated }) => Number(truncated)) };
    },
    close: graphs.close,
  };
}

/** The graphs of a model. */
interface Graphs {
  /** Logits of texts that run together, [texts, labels]. */
  run(variant: Variant, texts: readonly TokenizedText[]): Promise<Float32Array>;
  close(): Promise<void>;
}

/** Opens the graphs, that of several texts when there is the first need: each session has a copy of the weights in memory. */
async function openGraphs(folder: string, precision: Precision, config: EncoderConfig, settings: EncoderSettings): Promise<Graphs> {
  const withTypes = readsTypes({ config, ...settings });
  const pathOf = (variant: Variant) => join(folder, graphFile(precision, variant));
  const logitsBy = async (session: InferenceSession, variant: Variant, texts: readonly TokenizedText[]) => {
    const feeds = variant === 'single' ? singleFeeds(texts[0]!, withTypes) : batchFeeds(texts, config.padTokenId, withTypes);
    return floatsOf((await session.run(feeds))['logits']!);
  };
  /** One run, so that graph and weights are known to fit, and the first document does not wait for memory. */
  const probe = async (session: InferenceSession, variant: Variant) => {
    const text = { ids: new Int32Array(2).fill(config.padTokenId), types: new Int32Array(2), truncated: false };
    const logits = await logitsBy(session, variant, [text]).catch((cause) => {
      throw corrupt(pathOf(variant), 'onnxruntime cannot run it', cause);
    });
    if (logits.length !== settings.labels) throw corrupt(pathOf(variant), `it answers ${logits.length} labels and not ${settings.labels}`);
    if (!logits.every(Number.isFinite)) throw corrupt(pathOf(variant), 'its weights hold what is not a finite number');
  };
  const open = async (variant: Variant): Promise<InferenceSession> => {
    const session = await openSession(pathOf(variant), { threads: 1 }).catch((cause) => {
      throw corrupt(pathOf(variant), 'onnxruntime cannot read it', cause);
    });
    await probe(session, variant);
    return session;
  };
  const sessions = new Map<Variant, Promise<InferenceSession>>();
  const opened = (variant: Variant): Promise<InferenceSession> => {
    const session = sessions.get(variant) ?? open(variant);
    sessions.set(variant, session);
    return session;
  };
  await opened('single');
  return {
    run: async (variant, texts) => logitsBy(await opened(variant), variant, texts),
    async close() {
      // One that could not be opened has nothing to give back, and whoever wanted it knows.
      for (const opening of sessions.values())
        await opening.then(
          (session) => session.release(),
          () => {},
        );
      sessions.clear();
    },
  };
}

function singleFeeds({ ids, types }: TokenizedText, withTypes: boolean): InferenceSession.FeedsType {
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
