import { binomialTail } from './binomial.ts';

/** A student's decisions on documents whose labels are known: [documents] each. */
export interface ScoredDecisions {
  /** Calibrated probability of each decision, in [0, 1]. */
  readonly confidences: readonly number[];
  /** Whether it is wrong. */
  readonly errors: readonly boolean[];
  /** Tolerable share of wrong ones among the accepted, in (0, 1). */
  readonly targetError: number;
}

export type Certification =
  | {
      readonly certified: true;
      /** Decisions at or above it are accepted. */
      readonly threshold: number;
      /** Share of the documents that is accepted. */
      readonly coverage: number;
      readonly accepted: number;
      /** Wrong ones among the accepted. */
      readonly errors: number;
    }
  | {
      readonly certified: false;
      /** Estimate of how many more labelled documents would do; null: none would (or more than a million) as the errors stand. */
      readonly goldNeeded: number | null;
    };

/**
 * The thresholds that may be certified, strictest first: a fixed list, because one read off the documents would have to be tested as
 * the random thing it then is. Steps of a percent, finer near 1, where a good student has most of its documents.
 */
const thresholds: readonly number[] = [
  ...[0.9999, 0.9998, 0.9995, 0.999, 0.998, 0.995],
  ...Array.from({ length: 100 }, (_, percent) => (99 - percent) / 100),
];

/** The first test is made where at least this share of the documents is accepted. */
const firstShare = 1 / 4;

/** More labelled documents than anyone would ask for. */
const mostGold = 1_000_000;

/**
 * The lowest threshold at and above which the share of wrong decisions is shown to be at most `targetError`, with `confidence`:
 * Learn then Test (Angelopoulos, Bates, Candès, Jordan & Lei 2021, arXiv 2110.01052) by fixed-sequence testing, on the selective
 * risk P(wrong | accepted) as in Geifman & El-Yaniv 2017 (arXiv 1705.08500).
 *
 * - The documents must be drawn uniformly from the population that the threshold is for, and must not have had a part in training,
 *   calibration or choice of the student.
 * - Of k accepted documents, given k, Bin(k, P(wrong | accepted)) are wrong. So P(Bin(k, targetError) <= wrong) is an exact p-value
 *   for "too many are wrong here", at a threshold fixed beforehand. A threshold accepts all decisions equal to it.
 * - Thresholds are tested from the strictest down, each at 1 - confidence, up to the first that is not rejected. A false certificate
 *   needs the first threshold on this way where too many are wrong to be rejected: one test, hence no correction for their number.
 * - The first test is made where enough are accepted for it to be rejected at all (without one wrong), and a quarter of the
 *   documents, so that a single wrong label in a thin top does not end it. Where that is depends on numbers of accepted documents,
 *   never on which are wrong. It keeps the guarantee exact if P(wrong | accepted) does not grow with the threshold: a start below
 *   the first bad threshold then means that few documents were drawn from above, where fewer are wrong, so that the accepted
 *   hold no fewer wrong ones than the binomial has. Where the student errs more at the top than below, the size of the test is
 *   touched only by draws in which the top holds uncommonly few documents; the simulations of the tests see nothing of it.
 *
 * @throws RangeError unless confidences and errors are as many, all confidences are in [0, 1], and target and confidence in (0, 1).
 */
export function certifyThreshold(decisions: ScoredDecisions & { readonly confidence: number }): Certification {
  checkDecisions(decisions);
  const { confidences, errors, targetError, confidence } = decisions;
  if (!(confidence > 0 && confidence < 1)) throw new RangeError(`a confidence lies between 0 and 1, ${confidence} does not`);
  const significance = 1 - confidence;
  const fewest = Math.ceil(Math.log(significance) / Math.log1p(-targetError));
  const documents = confidences.length;
  if (documents === 0) return { certified: false, goldNeeded: fewest };

  const outcomes = thresholds.map((threshold): Outcome => {
    let [accepted, wrong] = [0, 0];
    for (let document = 0; document < documents; document++) {
      if (confidences[document]! < threshold) continue;
      accepted += 1;
      if (errors[document]!) wrong += 1;
    }
    return { threshold, accepted, wrong };
  });
  const first = outcomes.findIndex(({ accepted }) => accepted >= Math.max(fewest, documents * firstShare));
  const tested = first === -1 ? [] : outcomes.slice(first);
  const failed = tested.findIndex(({ accepted, wrong }) => binomialTail(wrong, accepted, targetError) > significance);
  const last = failed === -1 ? tested.at(-1) : tested[failed - 1];
  if (last === undefined) {
    const open = outcomes.slice(0, first === -1 ? undefined : first + 1).filter(({ accepted }) => accepted >= documents * firstShare);
    return { certified: false, goldNeeded: estimateGold(open, documents, { targetError, significance, fewest }) };
  }
  const { threshold, accepted, wrong } = last;
  return { certified: true, threshold, coverage: accepted / documents, accepted, errors: wrong };
}

interface Outcome {
  readonly threshold: number;
  readonly accepted: number;
  readonly wrong: number;
}

/**
 * How many more documents let some threshold be rejected, if further accepted ones go wrong at the rate seen there, taken as though
 * `fewest` more had been right: a few documents alone, one of them wrong, are no proof that no number would do.
 */
function estimateGold(
  outcomes: readonly Outcome[],
  documents: number,
  { targetError, significance, fewest }: { targetError: number; significance: number; fewest: number },
): number | null {
  const needs = outcomes.map(({ accepted, wrong }) => {
    const rate = wrong / (accepted + fewest);
    if (rate >= targetError) return Number.POSITIVE_INFINITY;
    const suffice = (more: number) => binomialTail(wrong + Math.ceil(rate * more), accepted + more, targetError) <= significance;
    let enough = 1;
    while (!suffice(enough)) {
      if (enough > mostGold) return Number.POSITIVE_INFINITY;
      enough *= 2;
    }
    let tooFew = Math.floor(enough / 2);
    while (enough - tooFew > 1) {
      const middle = Math.floor((tooFew + enough) / 2);
      if (suffice(middle)) enough = middle;
      else tooFew = middle;
    }
    return Math.ceil((enough * documents) / accepted);
  });
  const least = Math.min(...needs);
  return least > mostGold ? null : least;
}

/**
 * The lowest confidence at and above which the observed share of wrong decisions is at most `targetError`: an observation, no
 * guarantee. Null where there is none.
 *
 * It counts only where at least 1 / `targetError` decisions are accepted, the fewest that can hold a wrong one and still meet the
 * target: a lucky document or ten at the top are no threshold.
 *
 * @throws RangeError unless confidences and errors are as many, all confidences are in [0, 1], and the target in (0, 1).
 */
export function agreementThreshold(decisions: ScoredDecisions): number | null {
  checkDecisions(decisions);
  const { confidences, errors, targetError } = decisions;
  const strictestFirst = [...confidences.keys()].sort((left, right) => confidences[right]! - confidences[left]!);
  let lowest: number | null = null;
  let wrong = 0;
  for (const [rank, document] of strictestFirst.entries()) {
    const [confidence, accepted] = [confidences[document]!, rank + 1];
    if (errors[document]!) wrong += 1;
    const next = strictestFirst[rank + 1];
    // A threshold accepts all documents that are as sure as it.
    if (next !== undefined && confidences[next] === confidence) continue;
    if (1 / accepted <= targetError && wrong / accepted <= targetError) lowest = confidence;
  }
  return lowest;
}

function checkDecisions({ confidences, errors, targetError }: ScoredDecisions): void {
  if (confidences.length !== errors.length) {
    throw new RangeError(`every confidence needs its outcome: ${confidences.length} confidences, ${errors.length} outcomes`);
  }
  const odd = confidences.findIndex((confidence) => !(confidence >= 0 && confidence <= 1));
  if (odd !== -1) throw new RangeError(`a confidence lies in [0, 1], document ${odd}'s is ${confidences[odd]}`);
  if (!(targetError > 0 && targetError < 1)) throw new RangeError(`a target error lies between 0 and 1, ${targetError} does not`);
}
