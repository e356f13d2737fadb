/** `single`: exactly one label a document. `multi`: any number of them, also none. */
export type LabelKind = 'single' | 'multi';

/** The labels of a task, in the order of its task.yaml: that order is the order of every distribution and weight matrix. */
export interface LabelSet {
  readonly kind: LabelKind;
  /** At least two names for `single`, at least one for `multi`; unique. */
  readonly names: readonly string[];
}

/**
 * What a document was labelled as: indices into the label set, ascending and unique. Exactly one for `single`.
 */
export type LabelIndices = readonly number[];

/**
 * A training target: one probability per label of the set, in [0, 1]. For `single` they sum to 1 (a hard label is one-hot); for
 * `multi` each stands alone.
 */
export type LabelDistribution = readonly number[];

/** The distribution that puts all weight on the given labels. */
export function hardDistribution(labels: LabelSet, indices: LabelIndices): LabelDistribution {
  return labels.names.map((_, index) => (indices.includes(index) ? 1 : 0));
}

/** The labels a distribution decides for: the most probable one (`single`, ties to the first) or all at or above one half (`multi`). */
export function decide(labels: LabelSet, distribution: ArrayLike<number>): number[] {
  if (labels.kind === 'multi') return labels.names.flatMap((_, index) => (distribution[index]! >= 0.5 ? [index] : []));
  let best = 0;
  for (let index = 1; index < labels.names.length; index++) if (distribution[index]! > distribution[best]!) best = index;
  return [best];
}

/**
 * Probability that the decision is right: of the chosen label (`single`), or the product over labels of the probability of the
 * side each was decided to (`multi`, labels taken as independent given the text, as one-vs-rest does).
 */
export function decisionProbability(labels: LabelSet, distribution: ArrayLike<number>): number {
  if (labels.kind === 'single') return distribution[decide(labels, distribution)[0]!]!;
  let probability = 1;
  for (let index = 0; index < labels.names.length; index++) probability *= Math.max(distribution[index]!, 1 - distribution[index]!);
  return probability;
}
