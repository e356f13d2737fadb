import type { TeacherAnswer } from '@llambert/domain';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OpenedState, StateHarness } from './state-harness.ts';

const answer: TeacherAnswer = {
  content: '{"label":"delivery"}',
  refusal: null,
  finish: 'stop',
  tokens: [{ token: 'x', logProbability: -0.1, alternatives: [] }],
  usage: { input: 10, output: 2 },
  model: 'teacher',
};

/** What the ledger promises, for every adapter: never below the provider's bill, never past the cap. */
export function ledgerConformance(name: string, createHarness: () => Promise<StateHarness>): void {
  describe(`${name}: ledger`, () => {
    let harness: StateHarness;
    let state: OpenedState;
    beforeEach(async () => {
      harness = await createHarness();
      state = await harness.open();
    });
    afterEach(() => harness.destroy());

    const reserve = (callId: string, amount: number, sampleId = callId) =>
      state.annotation.reserve({ task: 'task', callId, sampleId, amount });
    const settle = (callId: string, price: number) =>
      state.annotation.settle({ task: 'task', callId, price, inputTokens: 10, outputTokens: 2, answer: null });

    it('reserves up to the cap and not a nano-dollar further', async () => {
      await state.annotation.recordBudget('task', 100);
      expect(await reserve('a', 60)).toBe(true);
      expect(await reserve('b', 41)).toBe(false);
      expect(await reserve('b', 40)).toBe(true);
      await settle('a', 10);
      expect(await reserve('c', 50)).toBe(true);
      expect(await state.annotation.spend('task')).toMatchObject({ cap: 100, settled: 10, reserved: 90, calls: 1 });
    });

    it('keeps what was spent when the cap changes', async () => {
      await state.annotation.recordBudget('task', 100);
      await reserve('a', 60);
      await settle('a', 60);
      await state.annotation.recordBudget('task', 200);
      expect(await state.annotation.spend('task')).toMatchObject({ cap: 200, settled: 60 });
    });

    it('tells the calls apart whose answers came without their tokens', async () => {
      await state.annotation.recordBudget('task', 100);
      for (const [callId, usage] of [
        ['a', answer.usage],
        ['b', null],
        ['c', null],
      ] as const) {
        await reserve(callId, 20);
        const call = { task: 'task', callId, price: usage === null ? 20 : 5, inputTokens: 10, outputTokens: 2 };
        await state.annotation.settle({ ...call, answer: { cacheKey: callId, answer: { ...answer, usage } } });
      }
      expect(await state.annotation.spend('task')).toMatchObject({ settled: 45, calls: 3, unmeasuredCalls: 2, unmeasuredCost: 40 });
    });

    it('settles a call once, whoever says so again', async () => {
      await state.annotation.recordBudget('task', 100);
      await reserve('a', 60);
      await settle('a', 10);
      await settle('a', 10);
      await state.annotation.settleUnknown({ task: 'task', callId: 'a' });
      expect(await state.annotation.spend('task')).toMatchObject({ settled: 10, reserved: 0, calls: 1, unknownOutcomes: 0 });
    });

    it('settles what a crash left open at its reserved price, for that sample only', async () => {
      await state.annotation.recordBudget('task', 100);
      await reserve('a#1', 30, 'a');
      await reserve('b#1', 20, 'b');
      const restarted = await harness.open();
      expect(await restarted.annotation.settleAbandoned('task', 'a')).toBe(1);
      expect(await restarted.annotation.settleAbandoned('task', 'a')).toBe(0);
      expect(await state.annotation.spend('task')).toMatchObject({ settled: 30, reserved: 20, unknownOutcomes: 1, unknownCost: 30 });
    });

    it('gives an answer back to whoever asks the same again', async () => {
      await state.annotation.recordBudget('task', 100);
      await reserve('a', 60);
      expect(await state.annotation.cachedAnswer('key')).toBeNull();
      await state.annotation.settle({
        task: 'task',
        callId: 'a',
        price: 5,
        inputTokens: 1,
        outputTokens: 1,
        answer: { cacheKey: 'key', answer },
      });
      expect(await state.annotation.cachedAnswer('key')).toEqual(answer);
    });

    it('lists every call with what it cost', async () => {
      await state.annotation.recordBudget('task', 100);
      for (const id of ['a', 'b', 'c']) await reserve(id, 10);
      await settle('a', 7);
      await state.annotation.settleUnknown({ task: 'task', callId: 'b' });
      const calls = await Array.fromAsync(state.annotation.calls('task'));
      expect(calls.map(({ callId, price, outcome }) => [callId, price, outcome])).toEqual([
        ['a', 7, 'settled'],
        ['b', 10, 'unknown'],
        ['c', 10, 'reserved'],
      ]);
    });

    it('holds the cap over two connections that reserve at once', async () => {
      await state.annotation.recordBudget('task', 100);
      const other = await harness.open();
      const attempts = Array.from({ length: 40 }, (_, index) =>
        (index % 2 === 0 ? state : other).annotation.reserve({ task: 'task', callId: `call-${index}`, sampleId: 's', amount: 7 }),
      );
      const granted = (await Promise.all(attempts)).filter(Boolean).length;
      expect(granted).toBe(14);
    });

    it('is never below the bill and never past the cap, whatever happens', async () => {
      const step = fc.record({
        amount: fc.integer({ min: 1, max: 50 }),
        end: fc.constantFrom('settled' as const, 'crashed' as const, 'lost' as const),
        share: fc.double({ min: 0, max: 1, noNaN: true }),
      });
      let run = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 15 }), fc.integer({ min: 0, max: 200 }), async (steps, cap) => {
          const task = `task-${run++}`;
          await state.annotation.recordBudget(task, cap);
          let bill = 0;
          for (const [index, { amount, end, share }] of steps.entries()) {
            const callId = `call-${index}`;
            if (!(await state.annotation.reserve({ task, callId, sampleId: callId, amount }))) continue;
            const price = Math.ceil(amount * share);
            bill += price;
            if (end === 'settled') await state.annotation.settle({ task, callId, price, inputTokens: 1, outputTokens: 1, answer: null });
            if (end === 'lost') await state.annotation.settleUnknown({ task, callId });
            if (end === 'crashed') await state.annotation.settleAbandoned(task, callId);
            const { settled, reserved } = await state.annotation.spend(task);
            expect(settled).toBeGreaterThanOrEqual(bill);
            expect(settled + reserved).toBeLessThanOrEqual(cap);
          }
        }),
        { numRuns: 40 },
      );
    });
  });
}
