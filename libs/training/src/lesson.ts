import { heldOutRows, type TrainingRow, trainLinear } from '@llambert/student';
import { type DoubtedRow, likelyWrongRows } from './likely-wrong.ts';
import { pseudoLabelled } from './pseudo-labels.ts';
import type { PlacedRequest, TrainedStudent, TrainingProgress } from './train-student.ts';

/** What a student is taught. */
export interface Lesson extends PlacedRequest {
  /** Unlabelled documents under the labels of a first student; empty: labelled rows alone are learned from. */
  readonly pseudoLabelled: readonly TrainingRow[];
}

/**
 * Held-out rows that calibration and threshold take: with fewer, all rows in turn say more, and nothing is pseudo-labelled. Two students' shares take as
 * many.
 */
export const leastHeldOut = 20;

/** A part of the lesson's rows that is learned from, with the pseudo-labelled ones, and the rows that are not. */
export interface Split {
  readonly learned: readonly TrainingRow[];
  /** Indices into the lesson's rows. */
  readonly heldOut: readonly number[];
}

/**
 * What is made of a request before any student sees it: labels that are likely wrong are weighed as the settings say, and unlabelled
 * documents get pseudo-labels. The linear student, which is the cheapest, does both.
 * @returns the lesson, the doubted labels (null: nobody looked), and what was done for it, for the manifest
 */
export async function prepareLesson(
  request: PlacedRequest,
  onProgress: (progress: TrainingProgress) => void,
): Promise<{ lesson: Lesson; doubts: readonly DoubtedRow[] | null; facts: TrainedStudent['training'] }> {
  const weighed = await withDoubts(request, onProgress);
  const pseudo = await withPseudoLabels(weighed.request, onProgress);
  return { lesson: pseudo.lesson, doubts: weighed.doubts, facts: { ...weighed.facts, ...pseudo.facts } };
}

/**
 * The split for a student that is cheap enough to be cross-validated: null, but for pseudo-labels. Their first student learned from the rows that
 * are not held out, so one that learns from it in a cross-validation would have heard of the rows that it is to be judged by.
 */
export function splitForPseudoLabels(lesson: Pick<Lesson, 'rows' | 'pseudoLabelled'>): Split | null {
  return lesson.pseudoLabelled.length === 0 ? null : splitOnce(lesson);
}

/** The split for a student that is trained once. */
export function splitOnce({ rows, pseudoLabelled }: Pick<Lesson, 'rows' | 'pseudoLabelled'>): Split {
  const heldOut = heldOutRows(rows);
  const apart = new Set(heldOut);
  return { learned: [...rows.filter((_, row) => !apart.has(row)), ...pseudoLabelled], heldOut };
}

async function withDoubts(request: PlacedRequest, onProgress: (progress: TrainingProgress) => void) {
  const { rows, labels, settings } = request;
  if (settings.likelyWrong === 'keep') return { request, doubts: null, facts: {} };
  const { outOfFold } = await trainLinear({
    rows,
    labels,
    settings: { features: 'words', classWeights: settings.classWeights },
    onProgress: (done) => onProgress({ step: 'looking for wrong labels', done, detail: '' }),
  });
  const doubts = likelyWrongRows(rows, labels, outOfFold.logits);
  const wrong = new Set(doubts.map(({ row }) => row));
  const share = settings.likelyWrong === 'drop' ? 0 : 0.5;
  const weighed = rows.map((row, index) => (wrong.has(index) ? { ...row, weight: row.weight * share } : row));
  return { request: { ...request, rows: weighed }, doubts, facts: { likelyWrong: settings.likelyWrong, doubted: doubts.length } };
}

/** The request's unlabelled documents under the labels of a first student that learned from some of its rows. None where none are asked for. */
export async function pseudoLabelledBy(
  rows: readonly TrainingRow[],
  { labels, settings, unlabelled }: PlacedRequest,
  onProgress: (progress: TrainingProgress) => void,
): Promise<readonly TrainingRow[]> {
  if (settings.pseudoLabels === null || unlabelled.length === 0 || !canTeach(rows)) return [];
  return pseudoLabelled(rows, unlabelled, labels, settings.pseudoLabels, settings, (done) =>
    onProgress({ step: 'looking for sure labels', done, detail: '' }),
  );
}

/** Whether the rows differ in their labels at all. */
function canTeach(rows: readonly TrainingRow[]): boolean {
  return new Set(rows.map(({ target }) => target.join())).size > 1;
}

async function withPseudoLabels(request: PlacedRequest, onProgress: (progress: TrainingProgress) => void) {
  const { pseudoLabels } = request.settings;
  if (pseudoLabels === null) return { lesson: { ...request, pseudoLabelled: [] }, facts: {} };
  const { learned, heldOut } = splitOnce({ ...request, pseudoLabelled: [] });
  const found = heldOut.length < leastHeldOut ? [] : await pseudoLabelledBy(learned, request, onProgress);
  const facts = { unlabelled: request.unlabelled.length, pseudoLabelled: found.length, pseudoLabelConfidence: pseudoLabels.confidence };
  return { lesson: { ...request, pseudoLabelled: found }, facts };
}
