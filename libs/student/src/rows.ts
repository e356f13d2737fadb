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
