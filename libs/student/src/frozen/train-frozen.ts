import type { LabelSet, StudentSettings } from '@llambert/domain';
import { maxTokens } from '../encoder/config.ts';
import type { PretrainedEncoder } from '../encoder/pretrained.ts';
import { encoderWeightShapes } from '../encoder/weights.ts';
import { embedder } from '../fine-tuning/evaluate.ts';
import type { TrainedEncoder } from '../fine-tuning/train-encoder.ts';
import { headBias, headWeight } from '../fine-tuning/training-graph.ts';
import type { DocumentText } from '../linear/features.ts';
import { goalOf } from '../linear/goal.ts';
import type { TrainingRow } from '../linear/train.ts';
import { fitHead, type Head } from './head.ts';

export interface FrozenTraining {
  readonly model: TrainedEncoder;
  /** Logits of every row by the head that did not learn from its fold, at the chosen strength, [rows, labels]. */
  readonly outOfFold: { readonly logits: Float32Array };
  /** Logits of documents outside the rows, [documents, labels]. */
  readonly scored: Float32Array;
  /** What it came to, for the manifest. */
  readonly facts: Readonly<Record<string, string | number | boolean>>;
}

export interface FrozenTrainingInput {
  readonly encoder: PretrainedEncoder;
  readonly rows: readonly TrainingRow[];
  readonly labels: LabelSet;
  readonly settings: StudentSettings;
  /** Documents outside the rows that the finished student is to score. */
  readonly score: readonly DocumentText[];
  readonly threads: number;
  readonly onProgress?: (progress: FrozenProgress) => void;
}

/** First all texts are embedded, the rows' and those to be scored, then the head is fitted. */
export type FrozenProgress =
  | { readonly step: 'embedding'; readonly texts: number; readonly ofTexts: number; readonly tokens: number; readonly ofTokens: number }
  | { readonly step: 'head'; readonly done: number };

/** Tokens with padding in a run of the graph: what the forward pass is fastest with, on short texts and long ones. */
const microBatchTokens = 512;

/**
 * Leaves an encoder as it is and fits a linear layer to its vectors of the labelled texts: logistic regression, its strength chosen by
 * cross-validation over the rows' folds. Equal input gives an equal result. Throws `invalid_input` where nothing can be learned.
 */
export async function trainFrozen(input: FrozenTrainingInput): Promise<FrozenTraining> {
  const { encoder, rows, labels, settings, score, threads, onProgress } = input;
  const { config, tokenizer, tokenizerJson } = encoder;
  const { pooling } = settings.fineTuning;
  const { classWeights, truncation } = settings;
  const reading = { maxTokens: Math.min(settings.maxTokens, maxTokens(config)), truncation };
  const goal = goalOf(rows, labels, classWeights === 'balanced');

  const tokens = await tokenizer.tokenize([...rows, ...score], reading);
  const shapes = encoderWeightShapes(config);
  const embed = await embedder({ config, pooling, shapes }, { threads, microBatchTokens });
  const so = { texts: 0, tokens: 0 };
  const all = { ofTexts: tokens.length, ofTokens: tokens.reduce((sum, { ids }) => sum + ids.length, 0) };
  const embeddings = await embed(
    tokens.map((own) => ({ tokens: own })),
    encoder.weights,
    (texts, read) => {
      so.texts += texts;
      so.tokens += read;
      onProgress?.({ step: 'embedding', ...so, ...all });
    },
  );

  const width = config.hiddenSize;
  const learned = { values: embeddings.subarray(0, rows.length * width), width };
  const { head, outOfFold, folds, chosen } = await fitHead({
    embeddings: learned,
    rows,
    labels,
    goal,
    threads,
    onProgress: (done) => onProgress?.({ step: 'head', done }),
  });
  const headShapes = [[headWeight, [labels.names.length, width]] as const, [headBias, [labels.names.length]] as const];
  return {
    model: {
      shape: { config, pooling, shapes: new Map<string, readonly number[]>([...shapes, ...headShapes]) },
      weights: new Map([...encoder.weights, [headWeight, head.weight], [headBias, head.bias]]),
      tokenizerJson,
      ...reading,
    },
    outOfFold: { logits: outOfFold },
    scored: logitsOf(embeddings.subarray(rows.length * width), head, width),
    facts: {
      pooling,
      classWeights,
      ...reading,
      folds,
      strength: chosen.strength,
      calibratedLogLoss: chosen.calibratedLogLoss,
      accuracy: chosen.accuracy,
      truncatedTexts: tokens.slice(0, rows.length).filter(({ truncated }) => truncated).length,
    },
  };
}

/** Logits of embeddings [texts, width], [texts, labels]. */
function logitsOf(embeddings: Float32Array, { weight, bias }: Head, width: number): Float32Array {
  const labels = bias.length;
  const logits = new Float32Array((embeddings.length / width) * labels);
  for (let at = 0; at < logits.length; at++) {
    const text = Math.floor(at / labels) * width;
    const label = (at % labels) * width;
    let logit = bias[at % labels]!;
    for (let column = 0; column < width; column++) logit += weight[label + column]! * embeddings[text + column]!;
    logits[at] = logit;
  }
  return logits;
}
