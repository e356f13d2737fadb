import type { Evaluation } from './model.ts';
import type { SamplingSettings } from './task.ts';

/** What a finished round tells the sampler. Emitted for every round, also where no model came of it. */
export interface RoundEvaluation {
  readonly task: string;
  readonly round: number;
  /** Samples with a label, of this round and all before it. */
  readonly annotations: number;
  /** Samples without one, likewise. */
  readonly rejections: number;
  /** Digest of the model the round released; null: none was possible, for `reason`. */
  readonly model: string | null;
  readonly reason: string;
  /** Agreement with the teacher on held-out annotations; null without a model. */
  readonly agreement: Evaluation | null;
  /** Whether the money cap stopped samples of this round from being asked. */
  readonly budgetExhausted: boolean;
  /** The teacher's labels that are likely wrong, the most doubtful first, `mostDoubts` of them at most; none also where nobody looked. */
  readonly doubted: readonly Doubt[];
}

/** A teacher's label that confident learning takes for wrong. */
export interface Doubt {
  readonly documentId: string;
  /** What the teacher says. */
  readonly labels: readonly string[];
  /** What a student says that did not learn from the document. */
  readonly suggested: readonly string[];
  /** Probability that the student gives to `suggested`. */
  readonly probability: number;
}

/**
 * Most doubts that a round names: a tenth of the annotations so far, so that at most a tenth of the next round, which is as large as all
 * before it, goes to asking again; and no more than an event can carry.
 */
export function mostDoubts(annotations: number): number {
  return Math.min(1000, Math.ceil(annotations / 10));
}

export type RoundsEnd =
  | 'annotations_used'
  | 'rounds_used'
  | 'plateau'
  | 'target_reached'
  | 'budget_exhausted'
  | 'source_exhausted'
  /** No sample of a round got a label: those of the next one would fare no better. */
  | 'nothing_usable';

/** Where a task's rounds stand. `collecting`: the pool fills; `open`: round `round` is being annotated; `closed`: no more rounds. */
export type RoundsState =
  | { readonly phase: 'collecting' }
  | { readonly phase: 'open'; readonly round: number; readonly drawn: number }
  | { readonly phase: 'closed'; readonly end: RoundsEnd };

export type RoundsDecision = { readonly open: { readonly round: number; readonly size: number } } | { readonly close: RoundsEnd } | 'wait';

export interface RoundsFacts {
  readonly settings: SamplingSettings;
  /** The task's cap on annotations. */
  readonly maxAnnotations: number;
  /** Whether the backlog that stood in the source when the task began has been read. */
  readonly backlogRead: boolean;
  /** Documents that the teacher can be asked about: those of the pool that have not been drawn, and those to ask about again. */
  readonly poolLeft: number;
  /** Evaluations of the finished rounds, in their order. */
  readonly evaluations: readonly RoundEvaluation[];
  /** Gain in agreement that the learning curve promises from doubling the annotations; null: too few points to say. */
  readonly predictedGain: number | null;
}

/**
 * What to do next, from where the rounds stand and what is known: the state machine of a task's rounds.
 * Rounds double the annotations so far, so that the last of them is half of all and their agreements make a learning curve.
 */
export function nextRound(state: RoundsState, facts: RoundsFacts): RoundsDecision {
  if (state.phase === 'closed') return 'wait';
  const drawn = state.phase === 'open' ? state.drawn : 0;
  const finished = state.phase === 'open' ? facts.evaluations.find((evaluation) => evaluation.round === state.round) : undefined;
  if (state.phase === 'open' && finished === undefined) return 'wait';
  if (state.phase === 'collecting' && !facts.backlogRead) return 'wait';

  const end = finished === undefined ? null : endAfter(finished, facts);
  if (end !== null) return { close: end };
  const round = state.phase === 'open' ? state.round + 1 : 1;
  const left = Math.min(facts.maxAnnotations - drawn, facts.poolLeft);
  if (left <= 0) return { close: facts.poolLeft <= 0 ? 'source_exhausted' : 'annotations_used' };
  if (round > facts.settings.rounds) return { close: 'rounds_used' };
  return { open: { round, size: Math.min(left, Math.max(1, drawnAfter(round, facts.maxAnnotations, facts.settings.rounds) - drawn)) } };
}

function endAfter(finished: RoundEvaluation, facts: RoundsFacts): RoundsEnd | null {
  if (finished.budgetExhausted) return 'budget_exhausted';
  const before = facts.evaluations.find((evaluation) => evaluation.round === finished.round - 1);
  if (finished.rejections > (before?.rejections ?? 0) && finished.annotations <= (before?.annotations ?? 0)) return 'nothing_usable';
  const target = facts.settings.targetAgreement;
  if (target !== null && finished.agreement !== null && finished.agreement.accuracyInterval.lower >= target) return 'target_reached';
  if (facts.predictedGain !== null && facts.predictedGain < facts.settings.plateauGain) return 'plateau';
  return null;
}

/** Samples to have drawn after round 1, 2, …: halves of the cap, the last of `rounds` reaching it. */
export function drawnAfter(round: number, maxAnnotations: number, rounds: number): number {
  return Math.ceil(maxAnnotations / 2 ** (rounds - round));
}
