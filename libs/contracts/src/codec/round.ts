import type { RoundEvaluation, RoundOpened, RoundsClosed } from '@llambert/domain';
import {
  RoundsEnd,
  RoundsClosed as WireClosed,
  type Doubt as WireDoubt,
  RoundEvaluation as WireEvaluation,
  RoundOpened as WireOpened,
} from '../generated/llambert/round/v1/round.ts';
import { messageCodec } from './codec.ts';
import { evaluationFromWire, evaluationToWire } from './evaluation.ts';
import { enumeration, integer, orNull, share } from './fields.ts';

const ends = enumeration<RoundsClosed['end'], RoundsEnd>({
  annotations_used: RoundsEnd.ROUNDS_END_ANNOTATIONS_USED,
  rounds_used: RoundsEnd.ROUNDS_END_ROUNDS_USED,
  plateau: RoundsEnd.ROUNDS_END_PLATEAU,
  target_reached: RoundsEnd.ROUNDS_END_TARGET_REACHED,
  budget_exhausted: RoundsEnd.ROUNDS_END_BUDGET_EXHAUSTED,
  source_exhausted: RoundsEnd.ROUNDS_END_SOURCE_EXHAUSTED,
  nothing_usable: RoundsEnd.ROUNDS_END_NOTHING_USABLE,
});

export const roundOpenedCodec = messageCodec<WireOpened, RoundOpened>('llambert.round.v1.RoundOpened', WireOpened, {
  toWire: ({ task, round, samples, deadline, quorum }) => ({ task, round, samples, deadlineUnixMs: BigInt(deadline), quorum }),
  fromWire: (wire) => ({
    task: wire.task,
    round: wire.round,
    samples: wire.samples,
    deadline: integer('deadline_unix_ms', wire.deadlineUnixMs),
    quorum: share('quorum', wire.quorum),
  }),
});

export const roundEvaluationCodec = messageCodec<WireEvaluation, RoundEvaluation>('llambert.round.v1.RoundEvaluation', WireEvaluation, {
  toWire: (evaluation) => ({
    ...evaluation,
    model: evaluation.model ?? undefined,
    agreement: evaluation.agreement === null ? undefined : evaluationToWire(evaluation.agreement),
    doubted: evaluation.doubted as WireDoubt[],
  }),
  fromWire: (wire) => ({
    task: wire.task,
    round: wire.round,
    annotations: wire.annotations,
    rejections: wire.rejections,
    model: wire.model ?? null,
    reason: wire.reason,
    agreement: orNull(wire.agreement, (agreement) => evaluationFromWire('agreement', agreement)),
    budgetExhausted: wire.budgetExhausted,
    doubted: wire.doubted.map((doubt, at) => ({ ...doubt, probability: share(`doubted[${at}].probability`, doubt.probability) })),
  }),
});

export const roundsClosedCodec = messageCodec<WireClosed, RoundsClosed>('llambert.round.v1.RoundsClosed', WireClosed, {
  toWire: ({ task, rounds, end }) => ({ task, rounds, end: ends.toWire(end) }),
  fromWire: (wire) => ({ task: wire.task, rounds: wire.rounds, end: ends.fromWire('end', wire.end) }),
});
