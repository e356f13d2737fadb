import { sampleId } from '@llambert/domain';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aDrawnSample, anAnnotation, anEvaluation, anEvent, aRejection, aRound } from './builders/events.ts';
import { aDocument } from './builders/task.ts';
import type { OpenedState, StateHarness } from './state-harness.ts';

const entry = (rank: string, id = `doc-${rank}`) => ({ rank, document: aDocument({ id }) });

/** What the stages' stores promise, for every adapter: each method one transaction, each recording idempotent. */
export function stageStoreConformance(name: string, createHarness: () => Promise<StateHarness>): void {
  describe(`${name}: stage stores`, () => {
    let harness: StateHarness;
    let state: OpenedState;
    beforeEach(async () => {
      harness = await createHarness();
      state = await harness.open();
    });
    afterEach(() => harness.destroy());

    describe('sampler', () => {
      it('keeps the smallest ranks of a pool, whatever is offered again', async () => {
        await state.sampler.offer('task', [entry('5'), entry('1'), entry('9')], 3);
        expect(await state.sampler.poolCeiling('task', 3)).toBe('9');
        expect(await state.sampler.poolCeiling('task', 4)).toBeNull();
        await state.sampler.offer('task', [entry('3'), entry('1'), entry('7')], 3);
        await state.sampler.offer('other', [entry('0')], 3);
        const ranks = ['1', '3', '5'];
        expect(await state.sampler.poolRanks('task')).toEqual(ranks.map((rank) => ({ rank, documentId: `doc-${rank}` })));
        expect(await Array.fromAsync(state.sampler.pool('task'))).toEqual(ranks.map((rank) => entry(rank)));
        expect(await state.sampler.poolDocuments('task', ['doc-5', 'doc-9', 'doc-0', 'doc-1'])).toEqual(
          new Map(['1', '5'].map((rank) => [`doc-${rank}`, aDocument({ id: `doc-${rank}` })])),
        );
      });

      it('reads a pool of any size, whole and in order', async () => {
        const ranks = Array.from({ length: 95 }, (_, index) => String(index).padStart(3, '0'));
        await state.sampler.offer(
          'task',
          ranks.toReversed().map((rank) => entry(rank)),
          1000,
        );
        expect((await Array.fromAsync(state.sampler.pool('task'))).map(({ rank }) => rank)).toEqual(ranks);
        const ids = ranks.map((rank) => `doc-${rank}`);
        expect([...(await state.sampler.poolDocuments('task', ids)).keys()].sort()).toEqual(ids);
      });

      it('lets the first recording of a backlog stand', async () => {
        expect(await state.sampler.backlog('task')).toBeNull();
        await state.sampler.recordBacklog('task', [3, 4]);
        await state.sampler.recordBacklog('task', [9, 9]);
        expect(await state.sampler.backlog('task')).toEqual([3, 4]);
      });

      it('opens each round once, after the one before it, with its samples and events', async () => {
        const samples = (round: number) => [aDrawnSample({ round, document: aDocument({ id: `doc-${round}` }) })];
        expect(await state.sampler.roundsState('task')).toEqual({ phase: 'collecting' });
        await state.sampler.openRound(aRound({ round: 2 }), samples(2), [anEvent('too-early')]);
        await state.sampler.openRound(aRound({ round: 1 }), samples(1), [anEvent('round-1')]);
        await state.sampler.openRound(aRound({ round: 1 }), samples(7), [anEvent('again')]);
        await state.sampler.openRound(aRound({ round: 2 }), samples(2), [anEvent('round-2')]);
        expect(await state.sampler.roundsState('task')).toEqual({ phase: 'open', round: 2, drawn: 2 });
        expect(await state.sampler.drawnDocumentIds('task')).toEqual(new Set(['doc-1', 'doc-2']));
        expect((await state.outbox.pendingEvents(10)).map((event) => event.id)).toEqual(['round-1', 'round-2']);
      });

      it('keeps what is asked about again apart from what is drawn, and counts both', async () => {
        const second = aDrawnSample({ id: 'second', round: 2, strategy: 'doubted', inclusionProbability: null });
        await state.sampler.openRound(aRound(), [aDrawnSample()], []);
        expect(await state.sampler.askedAgainIds('task')).toEqual(new Set());
        await state.sampler.openRound(aRound({ round: 2 }), [aDrawnSample({ round: 2, document: aDocument({ id: 'doc-2' }) }), second], []);
        expect(await state.sampler.askedAgainIds('task')).toEqual(new Set(['document-1']));
        expect(await state.sampler.drawnDocumentIds('task')).toEqual(new Set(['document-1', 'doc-2']));
        expect(await state.sampler.roundsState('task')).toMatchObject({ drawn: 3 });
      });

      it('opens nothing once closed', async () => {
        await state.sampler.openRound(aRound(), [aDrawnSample()], []);
        await state.sampler.closeRounds({ task: 'task', rounds: 1, end: 'plateau' }, [anEvent('closed')]);
        await state.sampler.openRound(aRound({ round: 2 }), [], [anEvent('late')]);
        expect(await state.sampler.roundsState('task')).toEqual({ phase: 'closed', end: 'plateau' });
        expect((await state.outbox.pendingEvents(10)).map((event) => event.id)).toEqual(['closed']);
      });

      it('closes once, after the last round, whoever else comes to another end', async () => {
        await state.sampler.openRound(aRound(), [aDrawnSample()], []);
        await state.sampler.openRound(aRound({ round: 2 }), [], []);
        await state.sampler.closeRounds({ task: 'task', rounds: 1, end: 'plateau' }, [anEvent('too early')]);
        expect(await state.sampler.roundsState('task')).toMatchObject({ phase: 'open', round: 2 });
        await state.sampler.closeRounds({ task: 'task', rounds: 2, end: 'plateau' }, [anEvent('closed')]);
        await state.sampler.closeRounds({ task: 'task', rounds: 2, end: 'budget_exhausted' }, [anEvent('again')]);
        expect(await state.sampler.roundsState('task')).toEqual({ phase: 'closed', end: 'plateau' });
        expect((await state.outbox.pendingEvents(10)).map((event) => event.id)).toEqual(['closed']);
      });

      it('lets one of two replicas that race open the round', async () => {
        const other = await harness.open();
        await Promise.all([
          state.sampler.openRound(aRound(), [aDrawnSample()], [anEvent('one')]),
          other.sampler.openRound(aRound(), [aDrawnSample({ document: aDocument({ id: 'doc-2' }) })], [anEvent('two')]),
        ]);
        expect(await state.outbox.pendingEvents(10)).toHaveLength(1);
        expect(await state.sampler.roundsState('task')).toEqual({ phase: 'open', round: 1, drawn: 1 });
      });

      it('has one evaluation a round', async () => {
        await state.sampler.recordEvaluation(anEvaluation({ round: 2 }));
        await state.sampler.recordEvaluation(anEvaluation({ round: 1 }));
        await state.sampler.recordEvaluation(anEvaluation({ round: 1 }));
        expect((await state.sampler.evaluations('task')).map(({ round }) => round)).toEqual([1, 2]);
      });
    });

    describe('trainer', () => {
      it('counts distinct samples and answers of a round, in whatever order they come', async () => {
        const annotation = anAnnotation();
        await state.trainer.recordAnswers([annotation, annotation]);
        expect(await state.trainer.round('task', 1)).toBeNull();
        await state.trainer.recordRounds([aRound()]);
        await state.trainer.recordSamples([aDrawnSample(), aDrawnSample()]);
        await state.trainer.recordSamples([aDrawnSample({ document: aDocument({ id: 'doc-2' }) })]);
        await state.trainer.recordAnswers([annotation]);
        expect(await state.trainer.round('task', 1)).toEqual({ opened: aRound(), samples: 2, answers: 1 });
      });

      it('gives the answered samples of a round and those before it', async () => {
        const second = aDrawnSample({ round: 2, document: aDocument({ id: 'doc-2' }) });
        const rejection = aRejection({ round: 2, sampleId: second.id, documentId: 'doc-2' });
        await state.trainer.recordSamples([aDrawnSample(), second, aDrawnSample({ document: aDocument({ id: 'unanswered' }) })]);
        await state.trainer.recordAnswers([anAnnotation(), rejection]);
        expect(await state.trainer.answeredSamples('task', 1)).toEqual([{ sample: aDrawnSample(), answer: anAnnotation() }]);
        const both = await state.trainer.answeredSamples('task', 2);
        expect(both.map(({ answer }) => answer.kind).sort()).toEqual(['annotation', 'rejection']);
        expect(both.map(({ sample }) => sample.id)).toEqual([sampleId('task', 'document-1'), second.id].sort());
      });

      it('forgets no round until its training is recorded', async () => {
        await state.trainer.recordRounds([aRound({ round: 1 }), aRound({ round: 2 })]);
        await state.trainer.markEnqueued('task', 1);
        await state.trainer.recordRounds([aRound({ round: 1 })]);
        expect((await state.trainer.roundsToTrain('task')).map(({ round }) => round)).toEqual([2]);
      });

      it('lets the last decision on a gold document stand', async () => {
        const gold = { task: 'task', document: aDocument(), labels: ['delivery'], draw: 'uniform' as const };
        await state.trainer.recordGold([gold, { ...gold, labels: ['refund'] }]);
        expect(await state.trainer.gold('task')).toEqual([{ ...gold, labels: ['refund'] }]);
      });
    });

    describe('gateway', () => {
      it('deploys once and says so once', async () => {
        const pass = { task: 'task', pass: 'live', kind: 'live' as const, source: 'in', predictions: 'out' };
        expect(await state.gateway.deployment('task')).toBeNull();
        await state.gateway.deploy({ task: 'task', model: 'one' }, pass, [anEvent('deployed')]);
        await state.gateway.deploy({ task: 'task', model: 'two' }, pass, [anEvent('another')]);
        expect(await state.gateway.deployment('task')).toEqual({ model: 'one', pass: 'live' });
        expect((await state.outbox.pendingEvents(10)).map((event) => event.id)).toEqual(['deployed']);
      });
    });

    describe('run facts', () => {
      it('remembers the first value of a key', async () => {
        expect(await state.run.recall('key')).toBeNull();
        expect(await state.run.remember('key', 'one')).toBe('one');
        expect(await state.run.remember('key', 'two')).toBe('one');
        expect(await (await harness.open()).run.recall('key')).toBe('one');
      });

      it('replaces a value where it is told to', async () => {
        await state.run.replace('key', 'one');
        await state.run.replace('key', 'two');
        expect(await state.run.recall('key')).toBe('two');
      });
    });
  });
}
