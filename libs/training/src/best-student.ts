import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LlambertError, type StudentKind } from '@llambert/domain';
import { brierScore, fitTemperature, probabilities } from '@llambert/statistics';
import type { DatasetRow } from './dataset.ts';
import type { HeldOut, PlacedRequest, TrainedStudent } from './train-student.ts';

/** Trains a student of a kind; calls `mayTake` with the seconds that it has left as soon as it can tell, which may throw. */
export type TrainKind = (kind: StudentKind, request: PlacedRequest, mayTake: (secondsLeft: number) => void) => Promise<TrainedStudent>;

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

/**
 * Trains from cheap to dear what the stated minutes allow, and releases the student with the best calibrated Brier score on the rows that
 * none of them learned from. What each reached and cost is in the manifest, and so is what there was no time for.
 */
export async function bestStudent(request: PlacedRequest, train: TrainKind): Promise<TrainedStudent> {
  const { settings, folder, labels, rows } = request;
  const end = performance.now() + settings.minutes * 60_000;
  const kinds: StudentKind[] = settings.encoder === null ? ['linear'] : ['linear', 'frozen', 'fine-tuned'];
  // Embeddings of fresh weights mean nothing.
  const wanted = kinds.filter((kind) => kind !== 'frozen' || request.encoder !== 'scratch');
  const candidates: Candidate[] = [];
  const said: string[] = [];
  for (const kind of wanted) {
    const into = join(folder, kind);
    await mkdir(into);
    const begun = performance.now();
    try {
      const trained = await train(kind, { ...request, folder: into }, (seconds) => {
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
  const scored = candidates.map((candidate) => ({ ...candidate, ...scoreOn(common, candidate.trained.heldOut, rows, labels.kind) }));
  const best = scored.reduce((left, right) => (right.brier < left.brier ? right : left));
  for (const name of await readdir(best.folder)) await rename(join(best.folder, name), join(folder, name));
  for (const candidate of candidates) await rm(candidate.folder, { recursive: true });
  const reached = scored.map(
    ({ kind, right, brier, seconds }) =>
      `${kind}: ${(100 * right).toFixed(1)} % of ${common.length} held-out labels, Brier score ${brier.toFixed(3)}, ${seconds.toFixed(0)} s`,
  );
  return { ...best.trained, training: { ...best.trained.training, students: [...reached, ...said].join('; ') } };
}

/** Share of right decisions, and the Brier score after the best temperature, on some of the held-out rows. */
function scoreOn(on: readonly number[], heldOut: HeldOut, rows: readonly DatasetRow[], kind: 'single' | 'multi') {
  const width = rows[0]!.target.length;
  const places = new Map(heldOut.rows.map((row, place) => [row, place]));
  const logits = on.flatMap((row) => {
    const start = places.get(row)! * width;
    return [...heldOut.logits.subarray(start, start + width)];
  });
  const targets = on.flatMap((row) => rows[row]!.target);
  const temperature = fitTemperature(logits, targets, on.length, width, kind);
  const shares = on.flatMap((_, place) => [...probabilities(logits, place * width, width, kind, temperature)]);
  const right = on.filter((_, place) => {
    const [own, target] = [shares, targets].map((cells) => cells.slice(place * width, (place + 1) * width)) as [number[], number[]];
    if (kind === 'multi') return target.every((share, label) => share >= 0.5 === own[label]! >= 0.5);
    return target[own.indexOf(Math.max(...own))] === Math.max(...target);
  });
  return { right: right.length / on.length, brier: brierScore(shares, targets, width, kind) };
}
