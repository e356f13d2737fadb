import type { ModelReleased } from '@llambert/domain';

/**
 * Which of a task's models is to answer: the newest. It learned from every row that the older ones learned from, and from more. Their
 * agreements with the teacher say nothing against it, for each was measured on the documents of its own time: an older model was never
 * asked about those that came later, such as the first of a rare label. Certify gold takes no part in the choice either: a guarantee
 * tested on the documents that chose the model would not hold.
 */
export function modelToPromote(models: readonly ModelReleased[]): ModelReleased | null {
  return models.toSorted((left, right) => left.manifest.round - right.manifest.round).at(-1) ?? null;
}
