import { LlambertError } from '@llambert/domain';
import type { InferenceSession } from 'onnxruntime-node';
import type { EncoderShape } from '../encoder/forward-graph.ts';
import { type MicroBatch, microBatch, microBatches, weightFeeds } from '../encoder/micro-batch.ts';
import { readingTokens, scorer } from '../encoder/reader.ts';
import type { TokenizedText } from '../encoder/tokenizer.ts';
import type { EncoderWeights } from '../encoder/weights.ts';
import { logLoss, meanOf } from '../log-loss.ts';
import { floats, floatsOf, openSession } from '../onnx/session.ts';
import { uniformNumbers } from '../random.ts';
import { adamW, warmupThenLinear } from './adamw.ts';
import { epochBatches } from './batches.ts';
import { DropoutMasks } from './dropout.ts';
import { Gradients } from './gradients.ts';
import type { LossSettings } from './loss.ts';
import { type DropoutInput, trainingGraph } from './training-graph.ts';
import type { TrainingState } from './training-state.ts';

/** How an encoder is fine-tuned. */
export interface FineTuneSettings {
  readonly epochs: number;
  /** Texts per update. */
  readonly batchSize: number;
  readonly learningRate: number;
  /** What a layer's learning rate is of the one above it (Clark et al. 2020, ELECTRA); 1: all alike. */
  readonly layerDecay: number;
  readonly weightDecay: number;
  /** Share of the updates over which the learning rate rises. */
  readonly warmup: number;
  /** Longest gradient, by its Euclidean norm over all weights: longer ones are shortened (Pascanu et al. 2013). */
  readonly clipNorm: number;
  /** Share of a target that is spread over all labels (Szegedy et al. 2016). */
  readonly labelSmoothing: number;
  readonly loss: LossSettings;
  /** Tokens with padding that pass through the graph at once: bounds the memory. */
  readonly microBatchTokens: number;
  /** Epochs without a better look at the held-out texts after which the training ends. */
  readonly patience: number;
  readonly seed: number;
  readonly threads: number;
}

/** A text to learn from, or to be measured on. */
export interface LabelledText {
  readonly tokens: TokenizedText;
  /** Probability of each label. */
  readonly target: readonly number[];
  /** What each label's loss counts; for exclusive labels all the same. */
  readonly weights: readonly number[];
}

export interface FineTuneProgress {
  readonly step: number;
  readonly steps: number;
  /** Mean over the last update's texts. */
  readonly loss: number;
  /** Tokens without padding that this call has learned from. */
  readonly tokens: number;
  readonly heldOutLoss: number | null;
}

export interface FineTunePorts {
  readonly onProgress: (progress: FineTuneProgress) => void;
  /** Keeps the weights as they are now, until the training ends or others are kept; returns a name for them. */
  readonly keepBest: (weights: EncoderWeights) => Promise<string>;
  /** Called after every update; keeps the state if it is time to. */
  readonly keep: (state: TrainingState) => Promise<void>;
}

/**
 * Fine-tunes an encoder with a linear layer on top, and says in `state.best` which weights did best on the held-out texts, those it began
 * with among them. Equal arguments give equal weights, bit for bit on one machine, and so does a state that was kept and read again. Throws
 * `invalid_input` when the loss stops being a number and nothing was learned yet.
 * @param state fresh, or kept by an earlier call; its weights are changed in place
 * @returns what is to be said of how it ended: that the loss stopped being a number, or that nothing was gained; null: nothing
 */
export async function fineTune(
  shape: EncoderShape,
  train: readonly LabelledText[],
  heldOut: readonly LabelledText[],
  state: TrainingState,
  settings: FineTuneSettings,
  ports: FineTunePorts,
): Promise<string | null> {
  const { batchSize, epochs, seed } = settings;
  const lengths = train.map(({ tokens }) => tokens.ids.length);
  const stepsPerEpoch = Math.ceil(train.length / batchSize);
  const steps = epochs * stepsPerEpoch;
  const warmupSteps = Math.round(settings.warmup * steps);

  const { model, dropouts } = trainingGraph(shape, settings.loss);
  const session = await openSession(model, settings);
  const masks = new Map(dropouts.map(({ rate }) => [rate, new DropoutMasks(rate, seed)]));
  const weights = weightFeeds(shape, state.weights);
  const look = () => lossOf(shape, state.weights, heldOut, settings);
  const gradients = new Gradients(shape, state.weights);
  let tokens = 0;
  try {
    state.best ??= { step: 0, heldOutLoss: await look(), weights: await ports.keepBest(state.weights) };

    for (let epoch = Math.floor(state.step / stepsPerEpoch); epoch < epochs; epoch++) {
      const batches = epochBatches(lengths, batchSize, uniformNumbers(seed, epoch));
      for (const rows of batches.slice(state.step - epoch * stepsPerEpoch)) {
        if (state.looksWithoutGain >= settings.patience) return outcome(state.best.step, settings.learningRate);

        // Forward and backward, a part of the batch at a time.
        const places = uniformNumbers(seed, firstDropoutStream + state.step);
        const totalWeight = rows.reduce((total, row) => total + meanOf(train[row]!.weights), 0);
        let loss = 0;
        for (const part of microBatches(rows, lengths, settings.microBatchTokens)) {
          const texts = part.map((row) => train[row]!);
          const batch = microBatch(texts, shape, state.weights);
          const wanted = targets(texts, totalWeight, settings.labelSmoothing, settings.loss.kind);
          const feeds = { ...weights, ...batch.feeds, ...wanted, ...dropped(dropouts, batch, masks, places) };
          const outputs = await session.run(feeds);
          loss += floatsOf(outputs['loss']!)[0]!;
          gradients.add(outputs, batch);
          tokens += part.reduce((total, row) => total + lengths[row]!, 0);
        }
        const norm = Math.sqrt(gradients.squaredNorm());
        if (!Number.isFinite(loss + norm)) {
          if (state.best.step > 0) return diverged(state.step, settings.learningRate);
          throw new LlambertError('invalid_input', diverged(state.step, settings.learningRate), { facts: { step: state.step } });
        }

        // Update.
        const learningRate = settings.learningRate * warmupThenLinear(state.step, steps, warmupSteps);
        state.step += 1;
        for (const [name, gradient] of gradients.sums) {
          adamW(state.weights.get(name)!, gradient, state.moments.get(name)!, {
            learningRate: learningRate * settings.layerDecay ** layersAbove(name, shape.config.layers),
            weightDecay: isDecayed(name) ? settings.weightDecay : 0,
            step: state.step,
            gradientScale: norm > settings.clipNorm ? settings.clipNorm / norm : 1,
          });
        }

        gradients.clear();

        // Look at the held-out texts, and keep the best.
        let looked: number | null = null;
        if (state.step % stepsPerEpoch === 0) {
          looked = await look();
          const better = looked < state.best.heldOutLoss;
          if (better) state.best = { step: state.step, heldOutLoss: looked, weights: await ports.keepBest(state.weights) };
          state.looksWithoutGain = better ? 0 : state.looksWithoutGain + 1;
        }
        ports.onProgress({ step: state.step, steps, loss, tokens, heldOutLoss: looked });
        await ports.keep(state);
      }
    }
    return outcome(state.best.step, settings.learningRate);
  } finally {
    await session.release();
  }
}

/** Log-loss of the held-out texts. The graph that reads them takes memory for as long as it does. */
async function lossOf(
  shape: EncoderShape,
  weights: EncoderWeights,
  texts: readonly LabelledText[],
  { threads, loss }: FineTuneSettings,
): Promise<number> {
  const reader = await scorer(shape, { threads, microBatchTokens: readingTokens });
  const logits = await reader.read(texts, weights).finally(() => reader.close());
  return logLoss(logits, texts, loss.kind);
}

/** Streams of the seed from here on place dropout masks, one stream for each update; those below shuffle the epochs. */
const firstDropoutStream = 2 ** 31;

function targets(
  texts: readonly LabelledText[],
  totalWeight: number,
  smoothing: number,
  kind: LossSettings['kind'],
): InferenceSession.FeedsType {
  const labels = texts[0]!.target.length;
  // Of exclusive labels each has its share; of independent ones each is there or not.
  const uniform = kind === 'single' ? 1 / labels : 1 / 2;
  const goals = Float32Array.from(texts.flatMap(({ target }) => target.map((share) => share * (1 - smoothing) + smoothing * uniform)));
  const shares = Float32Array.from(texts.flatMap(({ weights }) => weights.map((weight) => weight / totalWeight)));
  return { targets: floats(goals, [texts.length, labels]), weights: floats(shares, [texts.length, labels]) };
}

function dropped(
  inputs: readonly DropoutInput[],
  batch: MicroBatch,
  masks: ReadonlyMap<number, DropoutMasks>,
  places: () => number,
): InferenceSession.FeedsType {
  const sizes: Readonly<Record<string, number>> = { texts: batch.texts, tokens: batch.tokens, rows: batch.texts * batch.tokens };
  const feeds = inputs.map(({ name, shape, rate }) => {
    const known = shape.map((size) => (typeof size === 'number' ? size : sizes[size]!));
    const length = known.reduce((product, size) => product * size, 1);
    return [name, floats(masks.get(rate)!.mask(length, places), known)] as const;
  });
  return Object.fromEntries(feeds);
}

/** Biases and norms are few and have no reason to be small: they are not decayed (as Devlin et al. 2019). */
function isDecayed(weight: string): boolean {
  return !weight.endsWith('.bias') && !weight.includes('LayerNorm');
}

/** Layers between a weight and the head, which has none above it. */
function layersAbove(weight: string, layers: number): number {
  if (weight.startsWith('embeddings.')) return layers + 1;
  const layer = /^encoder\.layer\.(\d+)\./.exec(weight);
  return layer === null ? 0 : layers - Number(layer[1]);
}

/** What there is to say of a training that came to its end. */
function outcome(bestStep: number, learningRate: number): string | null {
  if (bestStep > 0) return null;
  return `nothing that was learned did better on held-out texts than the beginning. Lower student.fineTuning.learningRate (it is ${learningRate}), or annotate more`;
}

function diverged(step: number, learningRate: number): string {
  return `the training's loss was no longer a number after ${step} updates. Lower student.fineTuning.learningRate (it is ${learningRate}) and run again`;
}
