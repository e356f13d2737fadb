import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { canonicalJson, type LabelSet, LlambertError, type StudentSettings } from '@llambert/domain';
import { maxTokens } from '../encoder/config.ts';
import type { EncoderShape } from '../encoder/forward-graph.ts';
import type { PretrainedEncoder } from '../encoder/pretrained.ts';
import type { TrainedEncoder } from '../encoder/trained.ts';
import { classifierShapes, type EncoderWeights, headBias, headWeight, wordTable } from '../encoder/weights.ts';
import { goalOf } from '../goal.ts';
import { normalNumbers } from '../random.ts';
import type { TrainingRow } from '../rows.ts';
import { type FineTuneProgress, type FineTuneSettings, fineTune, type LabelledText } from './fine-tune.ts';
import { expectMemory, fineTuningBytes } from './memory.ts';
import { bestWeights, freshState, keepBest, keepState, keptState, stateFormat, type TrainingState } from './training-state.ts';
import { usedVocabulary } from './vocabulary.ts';

export interface EncoderTraining {
  readonly model: TrainedEncoder;
  /** What it came to, for the manifest. */
  readonly facts: Readonly<Record<string, string | number | boolean>>;
}

export interface EncoderTrainingInput {
  readonly encoder: PretrainedEncoder;
  readonly rows: readonly TrainingRow[];
  readonly labels: LabelSet;
  /** Rows that are not learned from: they say when to stop and which weights to release. At least one. */
  readonly heldOut: readonly number[];
  /** The rows that people labelled. */
  readonly gold: readonly number[];
  readonly settings: StudentSettings;
  /** Folder for the best weights so far, and for the training's state, which is kept from time to time to go on from after a crash. */
  readonly stateFolder: string;
  /** How often it is kept: a crash costs as much work, in milliseconds. */
  readonly keepEveryMs?: number;
  readonly threads: number;
  /** Memory that may be taken; by default what the machine, or the container, has free. */
  readonly availableBytes?: number;
  readonly onProgress?: (progress: FineTuneProgress & { readonly stage: Stage['name'] }) => void;
}

const pretrainedLearningRate = 5e-5;
const freshLearningRate = 1e-3;
/** Tokens with padding in a run of the graph: a text of the greatest length more or less, and what the cores' caches like. */
const microBatchTokens = 2048;
const clipNorm = 1;
const headDeviation = 0.02;
/** Stream of the seed that the head begins with: apart from those of fresh encoders, epochs and dropout. */
const headStream = 2 ** 29;
/** From this many on, held-out labels by people alone say how the stage on gold does: the teacher's would hold it to the teacher's mistakes. */
const leastHeldOutGold = 5;
/** A crash costs a minute's work, and keeping the state costs little beside. */
const keepEveryMs = 60_000;

/**
 * Fine-tunes an encoder on labelled texts: on all of them, or first on the teacher's labels and then on people's (`goldStage`). The held-out
 * rows say when to stop and which weights to release. Equal input gives an equal
 * result, also when it was stopped and goes on from the state it kept. Throws `invalid_input` where nothing can be learned, or where
 * the loss stops being a number, and before it starts where memory will not do.
 */
export async function trainEncoder(input: EncoderTrainingInput): Promise<EncoderTraining> {
  const { encoder, rows, heldOut, labels, settings } = input;
  const { config, tokenizer } = encoder;
  const reading = { maxTokens: Math.min(settings.maxTokens, maxTokens(config)), truncation: settings.truncation };
  const goal = goalOf(rows, labels, settings.classWeights === 'balanced', labels.names.length);
  const cells = (values: Float64Array, row: number) => [...values.subarray(row * labels.names.length, (row + 1) * labels.names.length)];
  const tokens = await tokenizer.tokenize(rows, reading);
  const vocabulary = usedVocabulary(tokens, config.padTokenId);
  const longest = tokens.reduce((most, { ids }) => Math.max(most, ids.length), 0);
  const several = settings.fineTuning.batchSize * longest > microBatchTokens;
  expectMemory(
    fineTuningBytes(config, vocabulary.ids.length, { tokens: Math.max(microBatchTokens, longest), longest, several }),
    input.availableBytes ?? process.availableMemory(),
  );
  const texts: LabelledText[] = vocabulary
    .renumber(tokens)
    .map((own, row) => ({ tokens: own, target: cells(goal.targets, row), weights: cells(goal.weights, row) }));
  const learned = learnedRows(rows, heldOut);
  // What is held out is the same for all students: labels that are doubted count in full.
  for (const row of heldOut) texts[row] = { ...texts[row]!, target: rows[row]!.target, weights: rows[row]!.target.map(() => 1) };

  const { pooling } = settings.fineTuning;
  const shape: EncoderShape = { config, pooling, shapes: classifierShapes(config, labels.names.length) };
  let begin = async () => {
    const weights = await encoder.readWeights();
    weights.set(wordTable, vocabulary.gather(weights.get(wordTable)!, config.hiddenSize));
    for (const [name, values] of freshHead(shape.shapes, settings.seed)) weights.set(name, values);
    return weights;
  };
  const facts: Record<string, string | number> = {};
  const stages = stagesOf(input, learned);
  for (const stage of stages) {
    const { updates, best, endedEarly } = await trainStage(shape, texts, begin, stage, input);
    begin = () => bestWeights(stage.stateFolder, best.weights);
    const prefix = stage.name === 'gold' ? 'gold stage: ' : '';
    Object.assign(facts, {
      [`${prefix}epochs`]: epochsOf(updates, stage),
      [`${prefix}mostEpochs`]: stage.tuning.epochs,
      [`${prefix}learningRate`]: stage.tuning.learningRate,
      [`${prefix}texts`]: stage.learned.length,
      [`${prefix}updates`]: updates,
      [`${prefix}bestUpdate`]: best.step,
      [`${prefix}heldOutLogLoss`]: best.heldOutLoss,
      ...(endedEarly === null ? {} : { [`${prefix}endedEarly`]: endedEarly }),
    });
  }

  const weights = await begin();
  const [[, table]] = [...(await encoder.readWeights([wordTable]))] as [[string, Float32Array]];
  weights.set(wordTable, vocabulary.scatter(weights.get(wordTable)!, table, config.hiddenSize));
  const { noiseRobustness, learningRate: _, goldStage: __, ...tuning } = settings.fineTuning;
  return {
    model: {
      config,
      pooling,
      pairs: rows.some(({ textPair }) => textPair !== undefined),
      weights,
      tokenizerJson: encoder.tokenizerJson,
      ...reading,
    },
    facts: {
      ...tuning,
      ...facts,
      noiseRobustness: noiseRobustness ?? 'none',
      classWeights: settings.classWeights,
      ...reading,
      seed: settings.seed,
      truncatedTexts: tokens.filter(({ truncated }) => truncated).length,
    },
  };
}

/** One training: on which rows, which of them are held out, how, and where its state is kept. */
interface Stage {
  readonly name: 'labels' | 'gold';
  readonly learned: readonly number[];
  readonly heldOut: readonly number[];
  readonly tuning: FineTuneSettings;
  readonly stateFolder: string;
}

function stagesOf(input: EncoderTrainingInput, learned: readonly number[]): Stage[] {
  const { heldOut, settings, encoder, labels, threads } = input;
  const tuning = fineTuneSettings(settings, labels, encoder, threads);
  const { goldStage } = settings.fineTuning;
  const gold = new Set(input.gold);
  const [people, teacher] = [learned.filter((row) => gold.has(row)), learned.filter((row) => !gold.has(row))];
  const all: Stage = { name: 'labels', learned, heldOut, tuning, stateFolder: join(input.stateFolder, 'labels') };
  if (goldStage === null || people.length === 0 || teacher.length === 0) return [all];
  const heldOutGold = heldOut.filter((row) => gold.has(row));
  const { epochs, learningRate } = goldStage;
  return [
    { ...all, learned: teacher },
    {
      name: 'gold',
      learned: people,
      heldOut: heldOutGold.length < leastHeldOutGold ? heldOut : heldOutGold,
      tuning: { ...tuning, epochs, learningRate: learningRate ?? tuning.learningRate / 2 },
      stateFolder: join(input.stateFolder, 'gold'),
    },
  ];
}

/** @param begin reads the weights that the stage begins with */
async function trainStage(
  shape: EncoderShape,
  texts: readonly LabelledText[],
  begin: () => Promise<EncoderWeights>,
  stage: Stage,
  input: EncoderTrainingInput,
): Promise<{ updates: number; best: NonNullable<TrainingState['best']>; endedEarly: string | null }> {
  const { name, learned, heldOut, tuning, stateFolder } = stage;
  const { state, fingerprint } = await stateOf(shape, texts, begin, stage);
  const endedEarly = await fineTune(
    shape,
    learned.map((row) => texts[row]!),
    heldOut.map((row) => texts[row]!),
    state,
    tuning,
    {
      onProgress: (progress) => input.onProgress?.({ ...progress, stage: name }),
      keepBest: (weights) => keepBest(stateFolder, weights),
      keep: keeper(stateFolder, fingerprint, input.keepEveryMs ?? keepEveryMs),
    },
  );
  // A crash in the next stage must not cost this one.
  await keepState(stateFolder, state, fingerprint);
  return { updates: state.step, best: state.best!, endedEarly };
}

/** The state that was kept of a stage, or a fresh one. In a function of its own: nothing else then holds the weights that it began with. */
async function stateOf(
  { config, pooling, shapes }: EncoderShape,
  texts: readonly LabelledText[],
  begin: () => Promise<EncoderWeights>,
  { learned, heldOut, tuning, stateFolder }: Stage,
): Promise<{ state: TrainingState; fingerprint: string }> {
  const initial = await begin();
  const fingerprint = fingerprintOf(initial, texts, { ...tuning, config, pooling, learned, heldOut });
  return { state: (await keptState(stateFolder, fingerprint, shapes)) ?? freshState(initial), fingerprint };
}

/** Epochs that were gone through, the last one in part where a training was given up in it. */
function epochsOf(updates: number, { learned, tuning }: Stage): number {
  const epochs = updates / Math.ceil(learned.length / tuning.batchSize);
  return Math.round(100 * epochs) / 100;
}

function fineTuneSettings(settings: StudentSettings, labels: LabelSet, encoder: PretrainedEncoder, threads: number): FineTuneSettings {
  const { noiseRobustness, learningRate, pooling: _, goldStage: __, ...rest } = settings.fineTuning;
  return {
    ...rest,
    learningRate: learningRate ?? (encoder.isPretrained ? pretrainedLearningRate : freshLearningRate),
    loss: { kind: labels.kind, noiseRobustness },
    clipNorm,
    microBatchTokens,
    seed: settings.seed,
    threads,
  };
}

/** The rows to learn from: those that are not held out and have a weight. A batch of rows without weight would have no mean. */
function learnedRows(rows: readonly TrainingRow[], heldOut: readonly number[]): number[] {
  const apart = new Set(heldOut);
  const learned = [...rows.keys()].filter((row) => !apart.has(row) && rows[row]!.weight > 0);
  if (learned.length === 0 || heldOut.length === 0) {
    throw new LlambertError('invalid_input', `${rows.length} labelled documents are too few to fine-tune on: annotate more`);
  }
  return learned;
}

function freshHead(shapes: ReadonlyMap<string, readonly number[]>, seed: number): [string, Float32Array][] {
  const normal = normalNumbers(seed, headStream);
  const [labels, hidden] = shapes.get(headWeight) as [number, number];
  const weight = Float32Array.from({ length: labels * hidden }, () => headDeviation * normal());
  return [
    [headWeight, weight],
    [headBias, new Float32Array(labels)],
  ];
}

/** Names all that a training depends on. */
function fingerprintOf(weights: ReadonlyMap<string, Float32Array>, texts: readonly LabelledText[], settings: object): string {
  const hash = createHash('sha256').update(stateFormat).update(canonicalJson(settings));
  for (const [name, values] of weights) hash.update(name).update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  for (const { tokens, target, weights: shares } of texts) hash.update(`${tokens.ids} ${tokens.types} ${target} ${shares}\n`);
  return hash.digest('hex');
}

function keeper(folder: string, fingerprint: string, everyMs: number): (state: TrainingState) => Promise<void> {
  let kept = performance.now();
  return async (state) => {
    if (performance.now() - kept < everyMs) return;
    await keepState(folder, state, fingerprint);
    kept = performance.now();
  };
}
