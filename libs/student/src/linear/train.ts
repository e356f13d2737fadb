import { setImmediate } from 'node:timers/promises';
import type { LabelSet } from '@llambert/domain';
import { type Goal, goalOf, goalOfRows } from '../goal.ts';
import { labelLogits } from '../label-outputs.ts';
import { foldsOf, type HeldOut, nothingHeldOut, score, scoreOf } from '../regression/held-out.ts';
import type { TrainingRow } from '../rows.ts';
import { fewStrengths, finalTolerance, holdOut, strengths, type ValidatedSetting } from './cross-validation.ts';
import { FeatureExtractor, type FeatureSet } from './features.ts';
import { columnScales, FeatureCounter, type FeatureCounts, weighted } from './matrix.ts';
import { LinearModel } from './model.ts';
import { solve } from './regression.ts';

export interface LinearSettings {
  /** `auto`: character n-grams where cross-validation shows that they pay. */
  readonly features: FeatureSet | 'auto';
  /** `balanced`: every label weighs as much as any other in sum, however rare. */
  readonly classWeights: 'none' | 'balanced';
}

export interface LinearTraining {
  readonly model: LinearModel;
  /** Logits of every row by the model that did not see its fold, at the chosen setting, [rows, labels]: what calibration may fit on. */
  readonly outOfFold: { readonly logits: Float32Array };
  readonly crossValidation: { readonly folds: number; readonly tried: readonly ValidatedSetting[]; readonly chosen: ValidatedSetting };
}

export interface LinearTrainingInput {
  readonly rows: readonly TrainingRow[];
  readonly labels: LabelSet;
  readonly settings: LinearSettings;
  readonly signal?: AbortSignal;
  /** Share of the work that is done, in [0, 1]. */
  readonly onProgress?: (share: number) => void;
}

/** Character n-grams make prediction three to four times slower, so they must lower the held-out log-loss by this share at least. */
const leastGainOfChars = 0.03;
/** Rows on which character n-grams are tried: enough to see whether they pay, few enough to bound time and memory. */
const mostRowsToTryChars = 5000;

/** With more cells (rows × outputs) than this one fold chooses out of few strengths; the others are held out at the chosen one alone. */
const mostCellsToTryAll = 100_000;

/**
 * Trains the linear student: multinomial (`single`) or one-vs-rest (`multi`) logistic regression with L2 over TF-IDF features.
 * Cross-validation over the rows' folds chooses features and strength by held-out log-loss after the best temperature; where labels
 * times rows are many, one fold chooses (of fewer strengths) and the others are held out at the chosen setting alone. The model is then fitted to all
 * rows. Equal input gives an equal result.
 *
 * Throws `invalid_input` where there is nothing to learn from, and what `signal` aborts with.
 */
export async function trainLinear({ rows, labels, settings, signal, onProgress }: LinearTrainingInput): Promise<LinearTraining> {
  const all: Lesson = { rows, goal: goalOf(rows, labels, settings.classWeights === 'balanced'), labels };
  const tried: ValidatedSetting[] = [];
  const part = evenly(all, mostRowsToTryChars);
  const solvesInAll = (settings.features === 'auto' ? solvesToTry(part) * 2 : 0) + solvesToTry(all) + foldsOf(rows).length + 1;
  let solves = 0;
  const steps: Steps = {
    async pause() {
      await setImmediate();
      signal?.throwIfAborted();
    },
    solved: () => onProgress?.(Math.min(1, ++solves / solvesInAll)),
  };
  const tryFeatures = async (lesson: Lesson, features: FeatureSet) => {
    const trial = await tryStrengths(lesson, features, steps);
    tried.push(...trial.tried);
    return trial;
  };

  let chosen: Trial;
  if (settings.features !== 'auto') {
    chosen = await tryFeatures(all, settings.features);
  } else {
    const words = await tryFeatures(part, 'words');
    const chars = await tryFeatures(part, 'words+chars');
    const better = chars.best.calibratedLogLoss < (1 - leastGainOfChars) * words.best.calibratedLogLoss ? chars : words;
    chosen = part === all ? better : await tryFeatures(all, better.best.features);
  }
  const best = await validate(all, chosen, steps);
  const model = await fit(all, chosen, steps);
  onProgress?.(1);
  return {
    model,
    outOfFold: { logits: labelLogits(labels, chosen.heldOut.logits) },
    crossValidation: { folds: foldsOf(rows).length, tried, chosen: best },
  };
}

interface Lesson {
  readonly rows: readonly TrainingRow[];
  readonly goal: Goal;
  readonly labels: LabelSet;
}

interface Steps {
  pause(): Promise<void>;
  solved(): void;
}

interface Trial {
  readonly counts: FeatureCounts;
  readonly tried: readonly ValidatedSetting[];
  readonly best: ValidatedSetting;
  /** At the best strength; the folds that were tried on are filled in. */
  readonly heldOut: HeldOut;
}

/** Tries every strength with these features. */
async function tryStrengths({ rows, goal, labels }: Lesson, features: FeatureSet, { pause, solved }: Steps): Promise<Trial> {
  const counter = new FeatureCounter(new FeatureExtractor(features));
  for (const [index, row] of rows.entries()) {
    if (index % 256 === 0) await pause();
    counter.add(row);
  }
  const counts = counter.finish();
  const folds = foldsOf(rows);
  const tryOn = folds.slice(0, foldsToTry(rows, goal));
  const byStrength = strengthsToTry(goal).map((strength) => nothingHeldOut(goal, strength));
  for (const fold of tryOn) await holdOut(counts, goal, { fold, folds }, byStrength, pause, solved);
  const seen = Int32Array.from(tryOn.flatMap((fold) => [...fold])).sort();
  const tried = byStrength.map((held) => ({ features, ...scoreOf(held, seen, goal, rows, labels) }));
  const best = tried.reduce((left, right) => (right.calibratedLogLoss < left.calibratedLogLoss ? right : left));
  return { counts, tried, best, heldOut: byStrength[tried.indexOf(best)]! };
}

/** Holds out the folds that the trial did not, and says how good the setting is on all. */
async function validate(
  { rows, goal, labels }: Lesson,
  { counts, best, heldOut }: Trial,
  { pause, solved }: Steps,
): Promise<ValidatedSetting> {
  const folds = foldsOf(rows);
  const left = folds.slice(foldsToTry(rows, goal));
  for (const fold of left) await holdOut(counts, goal, { fold, folds }, [heldOut], pause, solved);
  return left.length === 0 ? best : { ...best, ...score(goal, heldOut.logits, rows, labels) };
}

function strengthsToTry({ targets }: Goal): readonly number[] {
  return targets.length > mostCellsToTryAll ? fewStrengths : strengths;
}

/** How many of the folds, from the first, choose the setting. */
function foldsToTry(rows: readonly TrainingRow[], { targets }: Goal): number {
  return targets.length > mostCellsToTryAll ? 1 : foldsOf(rows).length;
}

function solvesToTry({ rows, goal }: Lesson): number {
  return foldsToTry(rows, goal) * strengthsToTry(goal).length;
}

async function fit({ goal, labels }: Lesson, { counts, best, heldOut }: Trial, { pause, solved }: Steps): Promise<LinearModel> {
  const rows = Int32Array.from({ length: counts.starts.length - 1 }, (_, row) => row);
  const scales = columnScales(counts, rows);
  const regression = { ...goal, rows: weighted(counts, rows, scales) };
  const { weights, intercepts } = await solve(regression, {
    strength: best.strength,
    tolerance: finalTolerance,
    pause,
    ...(heldOut.last === null ? {} : { near: heldOut.last }),
  });
  solved();
  const { outputs } = goal;
  const table = new Float32Array(counts.width * (1 + outputs));
  for (let column = 0; column < counts.width; column++) {
    table[column * (1 + outputs)] = scales[column]!;
    table.set(weights.subarray(column * outputs, (column + 1) * outputs), column * (1 + outputs) + 1);
  }
  return new LinearModel(labels, { features: best.features, hashes: counts.hashes, table, intercepts: Float32Array.from(intercepts) });
}

/** At most `most` of the rows, evenly spaced. */
function evenly(lesson: Lesson, most: number): Lesson {
  const { rows, goal, labels } = lesson;
  if (rows.length <= most) return lesson;
  const chosen = Int32Array.from({ length: most }, (_, index) => Math.floor((index * rows.length) / most));
  return { rows: Array.from(chosen, (row) => rows[row]!), goal: goalOfRows(goal, chosen), labels };
}
