import type { LabelSet, RoutingSettings, RoutingThreshold } from '@llambert/domain';
import { agreementThreshold, certifyThreshold } from '@llambert/statistics';
import { decisions, type ScoredDocuments } from './evaluation.ts';

/**
 * The confidence from which on labels stand without a person. With enough certify gold it is certified (Learn then Test on exact
 * binomial tails, see statistics); otherwise it is where the student agrees with the teacher well enough (and, as far as there is
 * gold, with people), and says that it is not certified and what would make it so.
 */
export function chooseThreshold(
  labels: LabelSet,
  settings: RoutingSettings,
  agreement: ScoredDocuments,
  certify: ScoredDocuments,
): RoutingThreshold {
  const { targetError, confidence } = settings;
  const byPeople = decisions(labels, certify);
  const certified = certifyThreshold({ ...byPeople, targetError, confidence });
  if (certified.certified) {
    return {
      certified: true,
      reference: 'human',
      threshold: certified.threshold,
      targetError,
      confidence,
      coverage: certified.coverage,
      observedError: certified.errors / certified.accepted,
      documents: byPeople.errors.length,
      goldNeeded: null,
      explanation:
        `of documents like those of the source, at most ${percent(targetError)} of the automatic labels are wrong, with ` +
        `${percent(confidence)} confidence, shown on ${byPeople.errors.length} documents that people labelled`,
    };
  }
  const byTeacher = decisions(labels, agreement);
  const threshold = uncertifiedThreshold(byTeacher, byPeople, targetError);
  const accepted = threshold === null ? [] : byTeacher.errors.filter((_, index) => byTeacher.confidences[index]! >= threshold);
  return {
    certified: false,
    reference: 'teacher',
    threshold,
    targetError,
    confidence,
    coverage: byTeacher.errors.length === 0 ? 0 : accepted.length / byTeacher.errors.length,
    observedError: accepted.length === 0 ? null : accepted.filter(Boolean).length / accepted.length,
    documents: byTeacher.errors.length,
    goldNeeded: certified.goldNeeded,
    explanation: `uncertified: ${missing(byPeople.errors.length, certified.goldNeeded, settings)}`,
  };
}

function uncertifiedThreshold(
  byTeacher: ReturnType<typeof decisions>,
  byPeople: ReturnType<typeof decisions>,
  targetError: number,
): number | null {
  const agreeing = agreementThreshold({ ...byTeacher, targetError });
  // Below this many documents an error rate under the target cannot even be observed: a little gold must not make things worse than none.
  if (byPeople.errors.length < 1 / targetError) return agreeing;
  const observed = agreementThreshold({ ...byPeople, targetError });
  return agreeing === null || observed === null ? null : Math.max(agreeing, observed);
}

function missing(gold: number, needed: number | null, { targetError, confidence }: RoutingSettings): string {
  const goal = `at most ${percent(targetError)} wrong with ${percent(confidence)} confidence`;
  if (needed === null) {
    return `the student errs too often on the ${gold} certify gold documents for further ones to show ${goal}`;
  }
  const have = gold === 0 ? 'there is no certify gold' : `${gold} certify gold documents are too few`;
  return `${have} to show ${goal}; at least ${needed} more are needed: about ${2 * needed} uniformly drawn gold labels, half of which certify`;
}

function percent(share: number): string {
  return `${Number((100 * share).toFixed(2))} %`;
}
