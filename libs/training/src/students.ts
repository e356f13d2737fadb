import { rm } from 'node:fs/promises';
import type { StudentKind } from '@llambert/domain';
import {
  encoderFromScratch,
  type FrozenProgress,
  type GateDocuments,
  loadPretrained,
  type PretrainedEncoder,
  type Released,
  releaseEncoder,
  type TrainedEncoder,
  trainEncoder,
  trainFrozen,
  trainLinear,
} from '@llambert/student';
import { bestStudent } from './best-student.ts';
import { likelyWrongRows } from './likely-wrong.ts';
import type { PlacedRequest, TrainedStudent, TrainingProgress } from './train-student.ts';

type OnProgress = (progress: TrainingProgress) => void;

/** Trains the student that the settings name and writes its files, in this thread. `auto`: the best of several. */
export async function trainHere(asked: PlacedRequest, onProgress: OnProgress): Promise<TrainedStudent> {
  const { request, doubted } = await withDoubts(asked, onProgress);
  const trained = await trainAsked(request, onProgress);
  return doubted === null ? trained : { ...trained, training: { ...trained.training, likelyWrong: request.settings.likelyWrong, doubted } };
}

/** Weighs labels that are likely wrong as the settings say; the linear student, which is the cheapest, says which they are. */
async function withDoubts(request: PlacedRequest, onProgress: OnProgress): Promise<{ request: PlacedRequest; doubted: number | null }> {
  const { rows, labels, settings } = request;
  if (settings.likelyWrong === 'keep') return { request, doubted: null };
  const { outOfFold } = await trainLinear({
    rows,
    labels,
    settings: { features: 'words', classWeights: settings.classWeights },
    onProgress: (done) => onProgress({ step: 'looking for wrong labels', done, detail: '' }),
  });
  const wrong = new Set(likelyWrongRows(rows, labels, outOfFold.logits));
  const share = settings.likelyWrong === 'halve' ? 0.5 : 0;
  const weighed = rows.map((row, index) => (wrong.has(index) ? { ...row, weight: row.weight * share } : row));
  return { request: { ...request, rows: weighed }, doubted: wrong.size };
}

function trainAsked(request: PlacedRequest, onProgress: OnProgress): Promise<TrainedStudent> {
  const { model } = request.settings;
  if (model !== 'auto') return trainKind(model, request, onProgress, () => {});
  return bestStudent(request, (kind, own, mayTake) => trainKind(kind, own, onProgress, mayTake));
}

/** @param mayTake hears how many seconds the training still takes, once that can be told; what it throws ends the training */
function trainKind(
  kind: StudentKind,
  request: PlacedRequest,
  onProgress: OnProgress,
  mayTake: (secondsLeft: number) => void,
): Promise<TrainedStudent> {
  if (kind === 'linear') return linearStudent(request, onProgress);
  return kind === 'frozen' ? frozenStudent(request, onProgress, mayTake) : fineTunedStudent(request, onProgress, mayTake);
}

async function linearStudent({ rows, labels, settings, score, folder }: PlacedRequest, onProgress: OnProgress): Promise<TrainedStudent> {
  const { model, outOfFold, crossValidation } = await trainLinear({
    rows,
    labels,
    settings: { features: 'auto', classWeights: settings.classWeights },
    onProgress: (done) => onProgress({ step: 'linear student', done, detail: '' }),
  });
  await model.save(folder);
  const scoredLogits = new Float32Array(score.length * labels.names.length);
  model.logits(score, scoredLogits);
  const { features, strength, calibratedLogLoss, accuracy } = crossValidation.chosen;
  return {
    student: 'linear',
    baseModel: null,
    heldOut: { rows: rows.map((_, row) => row), logits: outOfFold.logits, on: 'out-of-fold' },
    scoredLogits,
    training: { features, strength, classWeights: settings.classWeights, folds: crossValidation.folds, calibratedLogLoss, accuracy },
  };
}

async function frozenStudent(
  request: PlacedRequest,
  onProgress: OnProgress,
  mayTake: (secondsLeft: number) => void,
): Promise<TrainedStudent> {
  const { rows, labels, settings, score, threads } = request;
  const encoder = await encoderOf(request);
  const begun = performance.now();
  const trained = await trainFrozen({
    encoder,
    rows,
    labels,
    settings,
    threads,
    onProgress: (progress) =>
      onProgress({ step: 'frozen student', ...frozenProgress(progress, (performance.now() - begun) / 1000, mayTake) }),
  });
  // The head learned from all rows, so there are no others to try integers on.
  const all = [...rows.keys()];
  const { model, logits, facts } = await release(
    request,
    trained.model,
    all,
    { part: 'training', float32Logits: trained.fitted.logits },
    onProgress,
  );
  return {
    student: 'frozen',
    baseModel: baseModelOf(request, encoder),
    heldOut: { rows: all, logits: asReleased(trained.outOfFold.logits, trained.fitted.logits, logits), on: 'out-of-fold' },
    scoredLogits: (await model.logits(score)).logits,
    training: { ...trained.facts, ...facts },
  };
}

/**
 * Out-of-fold logits as the released precision would have them. 8-bit integers move a text's vector a little; what that does to its logits is
 * measured with the released head, and added to those of the head that did not learn from the text: the two heads differ little, and the move
 * has nothing to do with the label. So what is calibrated is what is released, but for the product of two small differences.
 * @param fitted by the released head in float32
 * @param released by the same head in the released precision
 */
export function asReleased(outOfFold: Float32Array, fitted: Float32Array, released: Float32Array): Float32Array {
  return outOfFold.map((logit, cell) => logit + (released[cell]! - fitted[cell]!));
}

/** The first steps of a training say little of the others. */
const leastSecondsToTell = 5;

/** What embedding takes of the whole, more or less: the head is quick beside it. */
const shareOfEmbedding = 0.9;

function frozenProgress(
  progress: FrozenProgress,
  seconds: number,
  mayTake: (secondsLeft: number) => void,
): Pick<TrainingProgress, 'done' | 'detail'> {
  if (progress.step === 'head') {
    const { done } = progress;
    return { done: shareOfEmbedding + (1 - shareOfEmbedding) * done, detail: '' };
  }
  const { texts, ofTexts, tokens, ofTokens } = progress;
  // Short texts come first: what is left is measured in tokens.
  const left = ((ofTokens - tokens) * seconds) / tokens;
  if (seconds > leastSecondsToTell) mayTake(left);
  return {
    done: (shareOfEmbedding * tokens) / ofTokens,
    detail: `${texts} of ${ofTexts} texts read, ${Math.round(texts / seconds)} texts/s, ${duration(left)} left`,
  };
}

async function fineTunedStudent(
  request: PlacedRequest,
  onProgress: OnProgress,
  mayTake: (secondsLeft: number) => void,
): Promise<TrainedStudent> {
  const { rows, labels, settings, score, stateFolder, threads } = request;
  const encoder = await encoderOf(request);
  let begun = { stage: '', at: 0, step: 0 };
  const trained = await trainEncoder({
    encoder,
    rows,
    labels,
    gold: [...rows.keys()].filter((row) => rows[row]!.labelledBy === 'person'),
    settings,
    stateFolder,
    threads,
    onProgress: ({ stage, step, steps, loss, tokens, heldOutLoss }) => {
      // Speed is measured from a stage's first update on, in this process.
      if (begun.stage !== stage) begun = { stage, at: performance.now(), step };
      const seconds = (performance.now() - begun.at) / 1000;
      const figures = [`update ${step} of ${steps}`, `loss ${loss.toFixed(3)}`];
      if (heldOutLoss !== null) figures.push(`held-out loss ${heldOutLoss.toFixed(3)}`);
      if (step > begun.step) {
        const left = ((steps - step) * seconds) / (step - begun.step);
        if (seconds > leastSecondsToTell) mayTake(left);
        figures.push(`${Math.round(tokens / seconds)} tokens/s`, `${duration(left)} left`);
      }
      onProgress({
        step: stage === 'gold' ? 'fine-tuned student, on gold' : 'fine-tuned student',
        done: step / steps,
        detail: figures.join(', '),
      });
    },
  });
  const { model, logits, facts } = await release(
    request,
    trained.model,
    trained.heldOut,
    { part: 'held-out', float32Logits: null },
    onProgress,
  );
  await rm(stateFolder, { recursive: true, force: true });
  return {
    student: 'fine-tuned',
    baseModel: baseModelOf(request, encoder),
    heldOut: { rows: trained.heldOut, logits, on: 'held-out' },
    scoredLogits: (await model.logits(score)).logits,
    training: { ...trained.facts, ...facts },
  };
}

/** Writes the student's files in the precision that some rows show to be good enough. */
function release(
  { rows, labels, folder }: PlacedRequest,
  trained: TrainedEncoder,
  tried: readonly number[],
  known: Pick<GateDocuments, 'part' | 'float32Logits'>,
  onProgress: OnProgress,
): Promise<Released> {
  const documents = tried.map((row) => rows[row]!);
  const targets = documents.map(({ target }) => target);
  return releaseEncoder(folder, trained, { ...known, documents, targets, labels }, (done) =>
    onProgress({ step: 'trying 8-bit integers', done, detail: `on ${documents.length} texts` }),
  );
}

async function encoderOf({ encoder, rows, settings }: PlacedRequest): Promise<PretrainedEncoder> {
  if (encoder === 'scratch') {
    const texts = rows.flatMap(({ text, textPair }) => (textPair === undefined ? [text] : [text, textPair]));
    return encoderFromScratch(texts, settings.seed);
  }
  return loadPretrained(encoder!.folder);
}

function baseModelOf({ encoder, settings }: PlacedRequest, { licence }: PretrainedEncoder): TrainedStudent['baseModel'] {
  return { name: encoder === 'scratch' ? settings.encoder! : encoder!.name, licence };
}

function duration(seconds: number): string {
  return seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
}
