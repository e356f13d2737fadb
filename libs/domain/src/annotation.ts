import type { LabelDistribution } from './labels.ts';
import type { NanoUsd, TokenUsage } from './money.ts';

interface AnswerBase {
  readonly sampleId: string;
  readonly task: string;
  readonly round: number;
  readonly documentId: string;
  /** The model that answered as it named itself; empty where none did. */
  readonly model: string;
  readonly promptHash: string;
  readonly usage: TokenUsage;
  /** What this answer cost; 0 where it came from the cache. */
  readonly cost: NanoUsd;
  readonly cached: boolean;
}

/** A teacher's label for a sample. */
export interface Annotation extends AnswerBase {
  readonly kind: 'annotation';
  readonly labels: readonly string[];
  /** The teacher's probabilities in the label set's order, where it gave them. */
  readonly distribution: LabelDistribution | null;
  /** Probability the teacher gave to its answer, in [0, 1]; null: not known (never 0 for "unknown"). */
  readonly confidence: number | null;
}

export const rejectionReasons = [
  'refused',
  'unparseable',
  'unknown_label',
  'too_long',
  'cut_off',
  'budget_exhausted',
  'outcome_unknown',
  'not_accepted',
] as const;

/**
 * Why a sample got no label. `refused`: the teacher would not answer; `cut_off`: its answer hit the token limit; `too_long`: the
 * prompt would not fit; `budget_exhausted`: the cap left no room for its worst price; `outcome_unknown`: its call was in flight at
 * a crash and is not to be repeated; `not_accepted`: the server refused this request for good (HTTP 4xx).
 */
export type RejectionReason = (typeof rejectionReasons)[number];

export interface Rejection extends AnswerBase {
  readonly kind: 'rejection';
  readonly reason: RejectionReason;
  /** What the teacher said or what was wrong, at most a few hundred characters. */
  readonly detail: string;
}

/** What becomes of every sample that is drawn: exactly one of the two. */
export type Answer = Annotation | Rejection;
