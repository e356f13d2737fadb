import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Evaluation, LlambertError, parseEncoderSource, type StudentKind, type StudentSettings } from '@llambert/domain';
import { brierScore, meanOf } from '@llambert/statistics';
import { calibrate } from './calibration.ts';
import { logitsOf } from './ensemble.ts';
import { evaluate } from './evaluation.ts';
import type { Lesson } from './lesson.ts';
import type { HeldOut, TrainedStudent } from './train-student.ts';

/** Trains a student of a kind; calls `mayTake` with the seconds that it has left as soon as it can tell, which may throw. */
export type TrainKind = (kind: StudentKind, lesson: Lesson, mayTake: (secondsLeft: number) => void) => Promise<TrainedStudent>;

/** A training was given up because it would not have ended in time. */
class TooSlow extends LlambertError {
  readonly seconds: number;

  constructor(seconds: number) {
    super('cancelled', `the training would have taken ${seconds} s more`);
    this.seconds = seconds;
  }
}

interface Candidate {
  readonly kind: StudentKind;
  readonly trained: TrainedStudent;
  readonly folder: string;
  readonly seconds: number;
}

/** The students that `auto` tries, from cheap to dear. */
export function kindsOf({ encoder }: Pick<StudentSettings, 'encoder'>): readonly StudentKind[] {
  if (encoder === null) return ['linear'];
  // Embeddings of fresh weights mean nothing.
  return parseEncoderSource(encoder).kind === 'scratch' ? ['linear', 'fine-tuned'] : ['linear', 'frozen', 'fine-tuned'];
}

/**
 * Trains from cheap to dear what the stated minutes allow, and releases the student with the best calibrated Brier score on the rows that
 * none of them learned from; of two that chance alone may tell apart, the cheaper one. What each reached and cost is in the manifest, and so is
 * what there was no time for.
 */
export async function bestStudent(lesson: Lesson, train: TrainKind): Promise<TrainedStudent> {
  const { settings, folder, rows } = lesson;
  const end = performance.now() + settings.minutes * 60_000;
  const wanted = kindsOf(settings);
  const candidates: Candidate[] = [];
  const said: string[] = [];
  for (const kind of wanted) {
    const into = join(folder, kind);
    await mkdir(into);
    const begun = performance.now();
    try {
      const trained = await train(kind, { ...lesson, folder: into }, (seconds) => {
        if (kind !== 'linear' && performance.now() + seconds * 1000 > end) throw new TooSlow(Math.ceil(seconds));
      });
      candidates.push({ kind, trained, folder: into, seconds: (performance.now() - begun) / 1000 });
    } catch (error) {
      if (!(error instanceof TooSlow)) throw error;
      await rm(into, { recursive: true });
      said.push(`${kind}: given up, it would have taken ${error.seconds} s more, beyond the ${settings.minutes} min of student.minutes`);
    }
  }

  const heldOut = candidates.map(({ trained }) => new Set(trained.heldOut.rows));
  const common = [...rows.keys()].filter((row) => heldOut.every((own) => own.has(row)));
  const scored = await Promise.all(
    candidates.map(async (candidate) => ({ ...candidate, ...(await evaluateOn(common, candidate.trained.heldOut, lesson)) })),
  );
  const best = scored.reduce((cheaper, dearer) => (isBetter(dearer, cheaper) ? dearer : cheaper));
  for (const name of await readdir(best.folder)) await rename(join(best.folder, name), join(folder, name));
  for (const candidate of candidates) await rm(candidate.folder, { recursive: true });
  const reached = scored.map(
    ({ kind, trained, accuracy, brierScore, seconds }) =>
      `${kind}${trained.ensemble === undefined ? '' : ' and linear'}: ${(100 * accuracy).toFixed(1)} % of ${common.length} held-out labels, Brier score ${brierScore.toFixed(3)}, ${seconds.toFixed(0)} s`,
  );
  // Nothing was chosen: how long it took would only make equal models differ.
  if (wanted.length === 1) return best.trained;
  return { ...best.trained, training: { ...best.trained.training, students: [...reached, ...said].join('; ') } };
}

/** Whether the gain is above what chance explains: an encoder beside a linear student has a hair's gain from noise already. */
function isBetter(dearer: Scored, cheaper: Scored): boolean {
  const { mean, standardError } = meanOf(cheaper.brierScores.map((score, row) => score - dearer.brierScores[row]!));
  return mean > standardError;
}

interface Scored extends Evaluation {
  /** Of each row. */
  readonly brierScores: Float64Array;
}

/** How well a student does on some of the rows that it held out, calibrated by them. */
async function evaluateOn(on: readonly number[], heldOut: HeldOut, { rows, labels, settings }: Lesson): Promise<Scored> {
  const logits = logitsOf(heldOut, on, labels.names.length);
  const targets = on.map((row) => rows[row]!.target);
  const { probabilities } = await calibrate(labels, targets, logits, settings);
  const brierScores = Float64Array.from(probabilities, (own, row) => brierScore(own, targets[row]!, labels.names.length, labels.kind));
  return { ...evaluate(labels, { probabilities, targets }, 'teacher', 'held-out'), brierScores };
}
