import { decide, hardDistribution, type LabelDistribution, type LabelIndices, type LabelSet } from '@llambert/domain';
import { likelyMislabelled, temperatureCalibration } from '@llambert/statistics';
import { calibrated } from './calibration.ts';

/** A labelled row, its text apart. */
interface LabelledRow {
  readonly target: LabelDistribution;
  readonly labelledBy: 'teacher' | 'person';
  readonly askedTwice?: true;
}

/** A row whose label is likely wrong. */
export interface DoubtedRow {
  readonly row: number;
  /** The labels that the student would give it. */
  readonly suggested: LabelIndices;
  /** Calibrated probability that the student gives to these. */
  readonly probability: number;
}

/**
 * Rows whose label by the teacher is likely wrong, by confident learning over held-out logits (see statistics); where a document may
 * have several labels, label by label. What people said, and what the teacher said twice, is not doubted.
 * @param logits uncalibrated, [rows, labels] row by row, each row by a student that did not learn from it
 * @returns by the probability of the label that they have, the least probable first (Northcutt et al. 2021, section 3.2: self-confidence)
 */
export function likelyWrongRows(rows: readonly LabelledRow[], labels: LabelSet, logits: Float32Array): DoubtedRow[] {
  const targets = rows.map(({ target }) => target);
  const shares = calibrated(labels, logits, temperatureCalibration(logits, targets.flat(), labels.names.length, labels.kind));
  const given = targets.map((target) => decide(labels, target));
  const selfConfidence = ({ row }: { row: number }) => probabilityOf(given[row]!, labels, shares[row]!);
  return suggestions(given, labels, shares)
    .filter(({ row }) => rows[row]!.labelledBy === 'teacher' && rows[row]!.askedTwice !== true)
    .map(({ row, suggested }) => ({ row, suggested, probability: probabilityOf(suggested, labels, shares[row]!) }))
    .sort((left, right) => selfConfidence(left) - selfConfidence(right));
}

/** The labels that confident learning would give to the rows where it gives others than they have. */
function suggestions(
  given: readonly LabelIndices[],
  labels: LabelSet,
  shares: readonly (readonly number[])[],
): { row: number; suggested: LabelIndices }[] {
  if (labels.kind === 'single') {
    return likelyMislabelled(
      shares,
      given.map(([label]) => label!),
    ).map(({ row, confident }) => ({ row, suggested: [confident] }));
  }
  const flips = labels.names.flatMap((_, label) =>
    likelyMislabelled(
      shares.map((own) => [1 - own[label]!, own[label]!]),
      given.map((own) => (own.includes(label) ? 1 : 0)),
    ).map(({ row }) => ({ row, label })),
  );
  return [...Map.groupBy(flips, ({ row }) => row)].map(([row, own]) => {
    const flipped = new Set(own.map(({ label }) => label));
    return { row, suggested: [...flipped.symmetricDifference(new Set(given[row]))].sort((left, right) => left - right) };
  });
}

/** Probability of exactly these labels; several are taken as independent given the text, as one-vs-rest does. */
function probabilityOf(indices: LabelIndices, labels: LabelSet, share: readonly number[]): number {
  if (labels.kind === 'single') return share[indices[0]!]!;
  return hardDistribution(labels, indices).reduce((product, side, label) => product * (side === 1 ? share[label]! : 1 - share[label]!), 1);
}
