import type { LabelDistribution, LabelSet } from '@llambert/domain';
import { fitTemperature, probabilities } from '@llambert/statistics';

/**
 * The temperature that fits logits of a student to targets it did not learn from.
 * @param logits [targets, labels] row by row
 */
export function temperatureOf(labels: LabelSet, targets: readonly LabelDistribution[], logits: Float32Array): number {
  const cells = targets.flatMap((target) => smoothed(target, labels.kind, targets.length));
  return fitTemperature(logits, cells, targets.length, labels.names.length, labels.kind);
}

/** @returns one distribution a row of the logits */
export function calibrated(labels: LabelSet, logits: Float32Array, temperature: number): LabelDistribution[] {
  const width = labels.names.length;
  return Array.from({ length: logits.length / width }, (_, row) =>
    Array.from(probabilities(logits, row * width, width, labels.kind, temperature)),
  );
}

/**
 * A target that allows for a mistake in so few documents (Platt 1999, section 2.2: (n + 1)/(n + 2) in the place of 1): without it the best
 * temperature of held-out documents that are all told apart is the lowest there is, and every probability 1.
 */
function smoothed(target: LabelDistribution, kind: LabelSet['kind'], documents: number): LabelDistribution {
  const share = 2 / (documents + 2);
  const ways = kind === 'single' ? target.length : 2;
  return target.map((own) => own * (1 - share) + share / ways);
}
