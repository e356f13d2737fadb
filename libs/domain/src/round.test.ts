import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Evaluation } from './model.ts';
import { nextRound, type RoundEvaluation, type RoundsFacts, type RoundsState } from './round.ts';
import type { SamplingSettings } from './task.ts';

const settings: SamplingSettings = {
  strategy: 'uniform',
  seed: 1,
  stratifyBy: null,
  poolSize: 1000,
  rounds: 3,
  plateauGain: 0.005,
  targetAgreement: null,
  quorum: 1,
  deadlineSeconds: 60,
};

const facts = (changes: Partial<RoundsFacts> = {}): RoundsFacts => ({
  settings,
  maxAnnotations: 400,
  backlogRead: true,
  poolLeft: 1000,
  evaluations: [],
  predictedGain: null,
  ...changes,
});

const agreement = (lower: number): Evaluation => ({
  reference: 'teacher',
  on: 'out-of-fold',
  documents: 100,
  accuracy: lower + 0.01,
  accuracyInterval: { lower, upper: lower + 0.02 },
  macroF1: 0.5,
  expectedCalibrationError: 0,
  brierScore: 0,
});

const evaluated = (round: number, changes: Partial<RoundEvaluation> = {}): RoundEvaluation => ({
  task: 't',
  round,
  annotations: 100,
  rejections: 0,
  model: 'digest',
  reason: 'trained',
  agreement: agreement(0.8),
  budgetExhausted: false,
  doubted: [],
  ...changes,
});

describe('nextRound', () => {
  it('waits for the backlog, then opens the first round with its share of the annotations', () => {
    expect(nextRound({ phase: 'collecting' }, facts({ backlogRead: false }))).toBe('wait');
    expect(nextRound({ phase: 'collecting' }, facts())).toEqual({ open: { round: 1, size: 100 } });
  });

  it('waits for the evaluation of the open round, then doubles the annotations', () => {
    const open: RoundsState = { phase: 'open', round: 1, drawn: 100 };
    expect(nextRound(open, facts())).toBe('wait');
    expect(nextRound(open, facts({ evaluations: [evaluated(1)] }))).toEqual({ open: { round: 2, size: 100 } });
    expect(nextRound({ phase: 'open', round: 2, drawn: 200 }, facts({ evaluations: [evaluated(1), evaluated(2)] }))).toEqual({
      open: { round: 3, size: 200 },
    });
  });

  it('goes on after a round of which a part was rejected, and ends after a later one that was rejected as a whole', () => {
    const open: RoundsState = { phase: 'open', round: 2, drawn: 200 };
    const second = (annotations: number, rejections: number) =>
      nextRound(
        open,
        facts({ evaluations: [evaluated(1, { annotations: 60, rejections: 40 }), evaluated(2, { annotations, rejections })] }),
      );
    expect(second(61, 139)).toEqual({ open: { round: 3, size: 200 } });
    expect(second(60, 140)).toEqual({ close: 'nothing_usable' });
  });

  it('goes on after a round without a model: more labels may make one possible', () => {
    const open: RoundsState = { phase: 'open', round: 1, drawn: 100 };
    expect(nextRound(open, facts({ evaluations: [evaluated(1, { model: null, agreement: null })] }))).toEqual({
      open: { round: 2, size: 100 },
    });
  });

  it.each([
    ['budget_exhausted', { evaluations: [evaluated(1, { budgetExhausted: true })] }],
    ['plateau', { evaluations: [evaluated(1)], predictedGain: 0.001 }],
    ['target_reached', { evaluations: [evaluated(1)], settings: { ...settings, targetAgreement: 0.8 } }],
    ['nothing_usable', { evaluations: [evaluated(1, { annotations: 0, rejections: 100, model: null, agreement: null })] }],
    ['source_exhausted', { evaluations: [evaluated(1)], poolLeft: 0 }],
    ['annotations_used', { evaluations: [evaluated(1)], maxAnnotations: 100 }],
    ['rounds_used', { evaluations: [evaluated(1)], settings: { ...settings, rounds: 1 }, maxAnnotations: 500 }],
  ] as const)('closes: %s', (end, changes) => {
    expect(nextRound({ phase: 'open', round: 1, drawn: 100 }, facts(changes))).toEqual({ close: end });
  });

  it('does not take a target for reached while the interval of the agreement lies below it', () => {
    const changes = { evaluations: [evaluated(1)], settings: { ...settings, targetAgreement: 0.805 } };
    expect(nextRound({ phase: 'open', round: 1, drawn: 100 }, facts(changes))).toHaveProperty('open');
  });

  it('never opens anything once closed', () => {
    expect(nextRound({ phase: 'closed', end: 'plateau' }, facts({ evaluations: [evaluated(1)] }))).toBe('wait');
  });

  it('ends, and draws neither more than the cap nor more than the pool, whatever the sizes', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 0, max: 6000 }),
        (cap, rounds, pool) => {
          let state: RoundsState = { phase: 'collecting' };
          let drawn = 0;
          const evaluations: RoundEvaluation[] = [];
          for (let step = 0; step <= rounds + 1; step++) {
            const decision = nextRound(
              state,
              facts({ maxAnnotations: cap, settings: { ...settings, rounds }, poolLeft: pool - drawn, evaluations }),
            );
            if (decision === 'wait') throw new Error('nothing to wait for');
            if ('close' in decision) {
              expect(drawn).toBe(Math.min(cap, pool));
              return;
            }
            expect(decision.open.size).toBeGreaterThan(0);
            drawn += decision.open.size;
            expect(drawn).toBeLessThanOrEqual(Math.min(cap, pool));
            state = { phase: 'open', round: decision.open.round, drawn };
            evaluations.push(evaluated(decision.open.round));
          }
          throw new Error('the rounds did not end');
        },
      ),
    );
  });
});
