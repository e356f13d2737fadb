import type { Document, LabelDistribution } from '@llambert/domain';

/** What is read of a document. */
export type DocumentText = Pick<Document, 'text' | 'textPair'>;

/** A row to learn from, its text apart. */
export interface LabelledRow {
  readonly target: LabelDistribution;
  /** How much the row counts beside others; not negative. */
  readonly weight: number;
}

export interface TrainingRow extends DocumentText, LabelledRow {
  /** Which part of the cross-validation holds the row out: any number, equal for rows that belong together. */
  readonly fold: number;
}

/** Enough to choose weights, temperature and threshold by: more are better learned from. */
const mostHeldOut = 1000;

/**
 * The rows that a student does not learn from where it is trained once: the first fold, or every fifth row where the folds do not say; of
 * many, 1,000 spread evenly over them.
 */
export function heldOutRows(rows: readonly Pick<TrainingRow, 'fold'>[]): number[] {
  const first = rows.reduce((least, { fold }) => Math.min(least, fold), Number.POSITIVE_INFINITY);
  const byFold = rows.some(({ fold }) => fold !== first);
  const all = [...rows.keys()].filter((row) => (byFold ? rows[row]!.fold === first : row % 5 === 0));
  if (all.length <= mostHeldOut) return all;
  return Array.from({ length: mostHeldOut }, (_, place) => all[Math.floor((place * all.length) / mostHeldOut)]!);
}
