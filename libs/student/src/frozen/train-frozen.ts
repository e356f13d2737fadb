import type { LabelSet, StudentSettings } from '@llambert/domain';
import { maxTokens } from '../encoder/config.ts';
import type { PretrainedEncoder } from '../encoder/pretrained.ts';
import { embedder, readingTokens } from '../encoder/reader.ts';
import type { TrainedEncoder } from '../encoder/trained.ts';
import { encoderWeightShapes, headBias, headWeight } from '../encoder/weights.ts';
import { goalOf } from '../goal.ts';
import type { TrainingRow } from '../rows.ts';
import { fitHead, logitsOf } from './head.ts';

export interface FrozenTraining {
  readonly model: TrainedEncoder;
  /** Logits of every row by the head that did not learn from its fold, at the chosen strength, [rows, labels]. */
  readonly outOfFold: { readonly logits: Float32Array };
  /** Logits of every row by the released head, which learned from it, in float32, [rows, labels]. */
  readonly fitted: { readonly logits: Float32Array };
  /** What it came to, for the manifest. */
  readonly facts: Readonly<Record<string, string | number | boolean>>;
}

export interface FrozenTrainingInput {
  readonly encoder: PretrainedEncoder;
  readonly rows: readonly TrainingRow[];
  readonly labels: LabelSet;
  readonly settings: StudentSettings;
  readonly threads: number;
  readonly onProgress?: (progress: FrozenProgress) => void;
}

/** First all texts are embedded, then the head is fitted. */
export type FrozenProgress =
  | { readonly step: 'embedding'; readonly texts: number; readonly ofTexts: number; readonly tokens: number; readonly ofTokens: number }
  | { readonly step: 'head'; readonly done: number };

/**
 * Leaves an encoder as it is and fits a linear layer to its vectors of the labelled texts: logistic regression, its strength chosen by
 * cross-validation over the rows' folds. Equal input gives an equal result. Throws `invalid_input` where nothing can be learned.
 */
export async function trainFrozen(input: FrozenTrainingInput): Promise<FrozenTraining> {
  const { encoder, rows, labels, settings, threads, onProgress } = input;
  const { config, tokenizer, tokenizerJson } = encoder;
  const { pooling } = settings.fineTuning;
  const { classWeights, truncation } = settings;
  const reading = { maxTokens: Math.min(settings.maxTokens, maxTokens(config)), truncation };
  const goal = goalOf(rows, labels, classWeights === 'balanced');

  const tokens = await tokenizer.tokenize(rows, reading);
  const weights = await encoder.readWeights();
  const shape = { config, pooling, shapes: encoderWeightShapes(config) };
  const reader = await embedder(shape, { threads, microBatchTokens: readingTokens });
  const so = { texts: 0, tokens: 0 };
  const all = { ofTexts: tokens.length, ofTokens: tokens.reduce((sum, { ids }) => sum + ids.length, 0) };
  const read = reader.read(
    tokens.map((own) => ({ tokens: own })),
    weights,
    (texts, read) => {
      so.texts += texts;
      so.tokens += read;
      onProgress?.({ step: 'embedding', ...so, ...all });
    },
  );
  const embeddings = await read.finally(() => reader.close());

  const { head, outOfFold, folds, chosen } = await fitHead({
    embeddings: { values: embeddings, width: config.hiddenSize },
    rows,
    labels,
    goal,
    threads,
    onProgress: (done) => onProgress?.({ step: 'head', done }),
  });
  return {
    model: {
      config,
      pooling,
      pairs: rows.some(({ textPair }) => textPair !== undefined),
      weights: new Map([...weights, [headWeight, head.weight], [headBias, head.bias]]),
      tokenizerJson,
      ...reading,
    },
    outOfFold: { logits: outOfFold },
    fitted: { logits: logitsOf(head, embeddings) },
    facts: {
      pooling,
      classWeights,
      ...reading,
      folds,
      strength: chosen.strength,
      calibratedLogLoss: chosen.calibratedLogLoss,
      accuracy: chosen.accuracy,
      truncatedTexts: tokens.filter(({ truncated }) => truncated).length,
    },
  };
}
