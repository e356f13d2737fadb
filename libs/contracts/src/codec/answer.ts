import type { Answer, RejectionReason } from '@llambert/domain';
import { RejectionReason as Reason, Answer as Wire } from '../generated/llambert/annotation/v1/annotation.ts';
import { messageCodec } from './codec.ts';
import { amount, enumeration, orNull, present, share, shares } from './fields.ts';

const reasons = enumeration<RejectionReason, Reason>({
  refused: Reason.REJECTION_REASON_REFUSED,
  unparseable: Reason.REJECTION_REASON_UNPARSEABLE,
  unknown_label: Reason.REJECTION_REASON_UNKNOWN_LABEL,
  too_long: Reason.REJECTION_REASON_TOO_LONG,
  cut_off: Reason.REJECTION_REASON_CUT_OFF,
  budget_exhausted: Reason.REJECTION_REASON_BUDGET_EXHAUSTED,
  outcome_unknown: Reason.REJECTION_REASON_OUTCOME_UNKNOWN,
  not_accepted: Reason.REJECTION_REASON_NOT_ACCEPTED,
});

export const answerCodec = messageCodec<Wire, Answer>('llambert.annotation.v1.Answer', Wire, { toWire, fromWire });

function toWire(answer: Answer): Wire {
  return {
    sampleId: answer.sampleId,
    task: answer.task,
    round: answer.round,
    documentId: answer.documentId,
    model: answer.model,
    promptHash: answer.promptHash,
    usage: { input: answer.usage.input, output: answer.usage.output },
    costNanoUsd: BigInt(answer.cost),
    cached: answer.cached,
    outcome: outcomeToWire(answer),
  };
}

function outcomeToWire(answer: Answer): NonNullable<Wire['outcome']> {
  if (answer.kind === 'rejection') {
    return { $case: 'rejection', value: { reason: reasons.toWire(answer.reason), detail: answer.detail } };
  }
  const distribution = answer.distribution === null ? undefined : { probabilities: answer.distribution as number[] };
  return {
    $case: 'annotation',
    value: { labels: answer.labels as string[], distribution, confidence: answer.confidence ?? undefined },
  };
}

function fromWire(wire: Wire): Answer {
  const base = {
    sampleId: wire.sampleId,
    task: wire.task,
    round: wire.round,
    documentId: wire.documentId,
    model: wire.model,
    promptHash: wire.promptHash,
    usage: present('usage', wire.usage),
    cost: amount('cost_nano_usd', wire.costNanoUsd),
    cached: wire.cached,
  };
  const outcome = present('annotation or rejection', wire.outcome);
  if (outcome.$case === 'rejection') {
    return { ...base, kind: 'rejection', reason: reasons.fromWire('rejection.reason', outcome.value.reason), detail: outcome.value.detail };
  }
  const { labels, distribution, confidence } = outcome.value;
  return {
    ...base,
    kind: 'annotation',
    labels,
    distribution: orNull(distribution, ({ probabilities }) => shares('annotation.distribution.probabilities', probabilities)),
    confidence: orNull(confidence, (probability) => share('annotation.confidence', probability)),
  };
}
