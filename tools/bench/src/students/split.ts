import { hardDistribution, hashFraction, type LabelSet } from '@llambert/domain';
import type { TrainRequest } from '@llambert/training';
import type { LabelledDocument } from '../labelled-data.ts';

/** Shares of the documents, from their end: the part that is opened once, and before it the part that recipes are chosen on. */
const testShare = 0.2;
const devShare = 0.1;

export interface Split {
  readonly labels: LabelSet;
  readonly rows: TrainRequest['rows'];
  /** The other documents of the pool, without labels. */
  readonly unlabelled: TrainRequest['unlabelled'];
  readonly scored: readonly LabelledDocument[];
}

/**
 * `size` documents that the teacher labelled, drawn anew with each seed from those that are neither dev nor test, and the documents
 * to score on.
 */
export function split(documents: readonly LabelledDocument[], size: number, seed: number, part: 'dev' | 'test'): Split {
  const [devFrom, testFrom] = [1 - devShare - testShare, 1 - testShare].map((share) => Math.round(share * documents.length));
  const labels: LabelSet = { kind: 'single', names: [...new Set(documents.map(({ gold }) => gold))].sort() };
  const pool = documents.slice(0, devFrom);
  const drawn = pool
    .map((document) => ({ document, at: hashFraction(`bench:${seed}`, document.id) }))
    .sort((left, right) => left.at - right.at)
    .map(({ document }) => document);
  const answered = drawn.filter(({ answer }) => answer !== null);
  if (size > answered.length) throw new RangeError(`${size} labels are not to be had: the pool has ${answered.length}`);
  const labelled = new Set(answered.slice(0, size));
  return {
    labels,
    rows: [...labelled].map((document, index) => ({
      documentId: document.id,
      text: document.text,
      target: hardDistribution(labels, [labels.names.indexOf(document.answer!)]),
      weight: 1,
      fold: index % 5,
      labelledBy: 'teacher',
    })),
    unlabelled: drawn.filter((document) => !labelled.has(document)),
    scored: part === 'dev' ? documents.slice(devFrom, testFrom) : documents.slice(testFrom),
  };
}
