import type { Gold, Sample } from '@llambert/domain';
import { GoldDraw, Gold as WireGold } from '../generated/llambert/review/v1/review.ts';
import { DrawStrategy, Sample as WireSample } from '../generated/llambert/sample/v1/sample.ts';
import { messageCodec } from './codec.ts';
import { documentFromWire, documentToWire } from './document.ts';
import { enumeration, orNull, present, share } from './fields.ts';

const strategies = enumeration<Sample['strategy'], DrawStrategy>({
  uniform: DrawStrategy.DRAW_STRATEGY_UNIFORM,
  stratified: DrawStrategy.DRAW_STRATEGY_STRATIFIED,
  doubted: DrawStrategy.DRAW_STRATEGY_DOUBTED,
});

const draws = enumeration<Gold['draw'], GoldDraw>({ uniform: GoldDraw.GOLD_DRAW_UNIFORM, chosen: GoldDraw.GOLD_DRAW_CHOSEN });

export const sampleCodec = messageCodec<WireSample, Sample>('llambert.sample.v1.Sample', WireSample, {
  toWire: (sample) => ({
    id: sample.id,
    task: sample.task,
    round: sample.round,
    document: documentToWire(sample.document),
    strategy: strategies.toWire(sample.strategy),
    reason: sample.reason,
    inclusionProbability: sample.inclusionProbability ?? undefined,
  }),
  fromWire: (wire) => ({
    id: wire.id,
    task: wire.task,
    round: wire.round,
    document: documentFromWire(present('document', wire.document)),
    strategy: strategies.fromWire('strategy', wire.strategy),
    reason: wire.reason,
    inclusionProbability: orNull(wire.inclusionProbability, (probability) => share('inclusion_probability', probability)),
  }),
});

export const goldCodec = messageCodec<WireGold, Gold>('llambert.review.v1.Gold', WireGold, {
  toWire: (gold) => ({
    task: gold.task,
    document: documentToWire(gold.document),
    labels: gold.labels as string[],
    draw: draws.toWire(gold.draw),
  }),
  fromWire: (wire) => ({
    task: wire.task,
    document: documentFromWire(present('document', wire.document)),
    labels: wire.labels,
    draw: draws.fromWire('draw', wire.draw),
  }),
});
