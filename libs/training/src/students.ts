import { rm } from 'node:fs/promises';
import type { StudentKind } from '@llambert/domain';
import {
  encoderFromScratch,
  type FrozenProgress,
  type GateDocuments,
  type LinearModel,
  loadPretrained,
  type PretrainedEncoder,
  type Released,
  releaseEncoder,
  type TrainedEncoder,
  type TrainingRow,
  trainEncoder,
  trainFrozen,
  trainLinear,
} from '@llambert/student';
import { bestStudent } from './best-student.ts';
import { calibrate } from './calibration.ts';
import { pooledStudent } from './ensemble.ts';
import { type Lesson, prepareLesson, pseudoLabelledBy, type Split, splitForPseudoLabels, splitOnce } from './lesson.ts';
import type { PlacedRequest, TrainedStudent, TrainingProgress } from './train-student.ts';

type OnProgress = (progress: TrainingProgress) => void;

/** Trains the student that the settings name and writes its files, in this thread. `auto`: the best of several. */
export async function trainHere(request: PlacedRequest, onProgress: OnProgress): Promise<TrainedStudent> {
  const { lesson, doubts, facts } = await prepareLesson(request, onProgress);
  const { model } = lesson.settings;
  let linear: Promise<LinearStudent> | null = null;
  const ports: TrainingPorts = {
    onProgress,
    linear() {
      linear ??= linearStudent(lesson, onProgress);
      return linear;
    },
  };
  const trained =
    model === 'auto'
      ? await bestStudent(lesson, (kind, own, mayTake) => trainKind(kind, own, ports, mayTake))
      : await trainKind(model, lesson, ports, () => {});
  return { ...trained, ...(doubts === null ? {} : { doubts }), training: { ...facts, ...trained.training } };
}

interface TrainingPorts {
  readonly onProgress: OnProgress;
  /** The lesson's linear student, which is trained once, for whoever wants it. */
  readonly linear: () => Promise<LinearStudent>;
}

interface LinearStudent {
  readonly trained: TrainedStudent;
  /** Writes its files. */
  readonly save: (folder: string) => Promise<void>;
}

/** @param mayTake hears how many seconds the training still takes, once that can be told; what it throws ends the training */
async function trainKind(
  kind: StudentKind,
  lesson: Lesson,
  { onProgress, linear }: TrainingPorts,
  mayTake: (secondsLeft: number) => void,
): Promise<TrainedStudent> {
  const { settings, folder } = lesson;
  const linearInFolder = async () => {
    const { trained, save } = await linear();
    await save(folder);
    return trained;
  };
  if (kind === 'linear') return linearInFolder();
  const encoderStudent = kind === 'frozen' ? frozenStudent : fineTunedStudent;
  if (!settings.ensemble) return encoderStudent(lesson, onProgress, mayTake);
  // The quick one first: an encoder's kept state goes when its training ends, so a kill after that costs all of it.
  const beside = await linearInFolder();
  // Beside a linear student the encoder learns from labelled rows only: pseudo-labels would make its training many times as long, and its mistakes
  // the linear student's.
  const encoder = await encoderStudent({ ...lesson, pseudoLabelled: [] }, onProgress, mayTake);
  return pooledStudent(encoder, beside, lesson);
}

async function linearStudent(lesson: Lesson, onProgress: OnProgress): Promise<LinearStudent> {
  const { rows, labels, settings, score } = lesson;
  const fit = (learned: readonly TrainingRow[]) =>
    trainLinear({
      rows: learned,
      labels,
      settings: { features: 'auto', classWeights: settings.classWeights },
      onProgress: (done) => onProgress({ step: 'linear student', done, detail: '' }),
    });
  const logitsOf = (model: LinearModel, documents: PlacedRequest['score']) => {
    const logits = new Float32Array(documents.length * labels.names.length);
    model.logits(documents, logits);
    return logits;
  };
  const split = splitForPseudoLabels(lesson);
  // It trains in seconds: one student answers for the held-out rows, the released one learns from all.
  const apart =
    split &&
    logitsOf(
      (await fit(split.learned)).model,
      split.heldOut.map((row) => rows[row]!),
    );
  const pseudoLabelled = split && (await pseudoLabelledBy(rows, lesson, onProgress));
  const { model, outOfFold, crossValidation } = await fit([...rows, ...(pseudoLabelled ?? [])]);
  const { features, strength, calibratedLogLoss, accuracy } = crossValidation.chosen;
  const trained: TrainedStudent = {
    student: 'linear',
    baseModel: null,
    heldOut: {
      rows: split?.heldOut ?? [...rows.keys()],
      logits: apart ?? outOfFold.logits,
      on: split === null ? 'out-of-fold' : 'held-out',
      learnedAfter: true,
    },
    scoredLogits: logitsOf(model, score),
    training: {
      ...toBeSaid(
        { features, strength, classWeights: settings.classWeights, folds: crossValidation.folds, calibratedLogLoss, accuracy },
        split,
      ),
      ...(pseudoLabelled && { pseudoLabelled: pseudoLabelled.length }),
    },
  };
  return { trained, save: (folder) => model.save(folder) };
}

/** The facts of a training; cross-validated on pseudo-labels, two of them would say how well the student agrees with itself. */
function toBeSaid(facts: TrainedStudent['training'], split: Split | null): TrainedStudent['training'] {
  if (split === null) return facts;
  const { calibratedLogLoss: _, accuracy: __, ...rest } = facts;
  return rest;
}

async function frozenStudent(lesson: Lesson, onProgress: OnProgress, mayTake: (secondsLeft: number) => void): Promise<TrainedStudent> {
  const { rows, labels, settings, score, threads } = lesson;
  const encoder = await encoderOf(lesson);
  const split = splitForPseudoLabels(lesson);
  const begun = performance.now();
  const trained = await trainFrozen({
    encoder,
    rows: split?.learned ?? rows,
    labels,
    settings,
    threads,
    onProgress: (progress) =>
      onProgress({ step: 'frozen student', ...frozenProgress(progress, (performance.now() - begun) / 1000, mayTake) }),
  });
  // Where the head learned from all rows, there are no others to try integers on.
  const tried = split?.heldOut ?? [...rows.keys()];
  const part =
    split === null
      ? ({ part: 'training', float32Logits: trained.fitted.logits, outOfFoldLogits: trained.outOfFold.logits } as const)
      : ({ part: 'held-out', float32Logits: null } as const);
  const { model, logits, facts } = await release(lesson, trained.model, tried, part, onProgress);
  return {
    student: 'frozen',
    baseModel: baseModelOf(lesson, encoder),
    heldOut:
      split === null
        ? {
            rows: tried,
            logits: asReleased(trained.outOfFold.logits, trained.fitted.logits, logits),
            on: 'out-of-fold',
            learnedAfter: true,
          }
        : { rows: tried, logits, on: 'held-out', learnedAfter: false },
    scoredLogits: (await model.logits(score)).logits,
    training: { ...toBeSaid(trained.facts, split), ...facts },
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

async function fineTunedStudent(lesson: Lesson, onProgress: OnProgress, mayTake: (secondsLeft: number) => void): Promise<TrainedStudent> {
  const { rows, labels, settings, score, stateFolder, threads } = lesson;
  const encoder = await encoderOf(lesson);
  const { heldOut } = splitOnce(lesson);
  let begun = { stage: '', at: 0, step: 0 };
  const trained = await trainEncoder({
    encoder,
    rows: [...rows, ...lesson.pseudoLabelled],
    heldOut,
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
  const { model, logits, facts } = await release(lesson, trained.model, heldOut, { part: 'held-out', float32Logits: null }, onProgress);
  await rm(stateFolder, { recursive: true, force: true });
  return {
    student: 'fine-tuned',
    baseModel: baseModelOf(lesson, encoder),
    heldOut: { rows: heldOut, logits, on: 'held-out', learnedAfter: false },
    scoredLogits: (await model.logits(score)).logits,
    training: { ...trained.facts, ...facts },
  };
}

/**
 * Writes the student's files in the precision that some rows show to be good enough.
 * @param known `outOfFoldLogits`: of the same rows, where the student itself learned from them
 */
function release(
  { rows, labels, settings, folder }: PlacedRequest,
  trained: TrainedEncoder,
  tried: readonly number[],
  { outOfFoldLogits, ...known }: Pick<GateDocuments, 'part' | 'float32Logits'> & { readonly outOfFoldLogits?: Float32Array },
  onProgress: OnProgress,
): Promise<Released> {
  const documents = tried.map((row) => rows[row]!);
  const targets = documents.map(({ target }) => target);
  const calibrationOf = async (float32Logits: Float32Array) =>
    (await calibrate(labels, targets, outOfFoldLogits ?? float32Logits, settings)).calibration;
  return releaseEncoder(folder, trained, { ...known, documents, targets, labels, calibrationOf }, (done) =>
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
