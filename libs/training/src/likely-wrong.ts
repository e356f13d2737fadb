import type { LabelDistribution, LabelSet } from '@llambert/domain';
import { likelyMislabelled } from '@llambert/statistics';
import { calibrated, temperatureOf } from './calibration.ts';

/** A labelled row, its text apart. */
interface LabelledRow {
  readonly target: LabelDistribution;
  readonly labelledBy: 'teacher' | 'person';
}

/**
 * Rows whose label by the teacher is likely wrong, by confident learning over held-out logits (see statistics); where a document may
 * have several labels, label by label. People's labels are not doubted.
 * @param logits uncalibrated, [rows, labels] row by row, each row by a student that did not learn from it
 * @returns ascending
 */
export function likelyWrongRows(rows: readonly LabelledRow[], labels: LabelSet, logits: Float32Array): number[] {
  const targets = rows.map(({ target }) => target);
  const shares = calibrated(labels, logits, temperatureOf(labels, targets, logits));
  const flagged =
    labels.kind === 'single'
      ? likelyMislabelled(
          shares,
          rows.map(({ target }) => target.indexOf(Math.max(...target))),
        )
      : labels.names.flatMap((_, label) =>
          likelyMislabelled(
            shares.map((own) => [1 - own[label]!, own[label]!]),
            rows.map(({ target }) => (target[label]! >= 0.5 ? 1 : 0)),
          ),
        );
  return [...new Set(flagged)].filter((row) => rows[row]!.labelledBy === 'teacher').sort((left, right) => left - right);
}
