import {
  type AnnotationStore,
  nanoUsd,
  priceOf,
  type Sample,
  type Teacher,
  type TeacherAnswer,
  type TeacherFailure,
  type TeacherOutcome,
} from '@llambert/domain';
import { aSample, aTask, memoryAnnotationStore } from '@llambert/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AnnotationWork, annotateSample } from './annotate.ts';
import { worstPrice, worstUsage } from './price.ts';
import { promptHash, renderRequest } from './prompt.ts';

const says = (content: string, change: Partial<TeacherAnswer> = {}): TeacherOutcome => ({
  ok: true,
  answer: { content, refusal: null, finish: 'stop', tokens: null, usage: { input: 100, output: 5 }, model: 'teacher-1-2026', ...change },
});
const fails = (kind: TeacherFailure['kind'], charged: TeacherFailure['charged']): TeacherOutcome => ({
  ok: false,
  failure: { kind, charged, retryAfterMs: null, detail: `it was ${kind}` },
});
const positive = says('{"label":"positive"}');
const worst = worstPrice(renderRequest(aTask(), aSample().document), aTask().settings.teacher.price);

/** A teacher that gives these outcomes in turn and counts its calls. */
function teacherOf(...outcomes: TeacherOutcome[]): Teacher & { calls: number } {
  return {
    endpoint: 'host/v1',
    calls: 0,
    async ask() {
      const outcome = outcomes[this.calls++];
      if (outcome === undefined) throw new Error('asked once too often');
      return outcome;
    },
  };
}

async function storeWith(usd = 1): Promise<AnnotationStore> {
  const store = memoryAnnotationStore();
  await store.recordBudget('reviews', nanoUsd(usd));
  return store;
}

let calls = 0;
function work(store: AnnotationStore, teacher: Teacher, change: Partial<AnnotationWork> = {}): AnnotationWork {
  const { signal } = new AbortController();
  return {
    task: aTask(),
    sample: aSample(),
    teacher,
    store,
    callId: `call-${++calls}`,
    lastTry: false,
    signal,
    callSignal: signal,
    ...change,
  };
}

describe('a sample that is answered', () => {
  it('is asked about in other words where its document is asked about again, so that no cached answer comes back', async () => {
    const store = await storeWith();
    const teacher = teacherOf(positive, says('{"label":"negative"}'));
    await annotateSample(work(store, teacher));
    const sample: Sample = { ...aSample(), id: 'second', strategy: 'doubted' };
    for (const cached of [false, true]) {
      expect(await annotateSample(work(store, teacher, { sample }))).toMatchObject({
        answer: { sampleId: 'second', labels: ['negative'], cached, promptHash: promptHash(aTask(), 'second') },
      });
    }
  });

  it('becomes an annotation at the price of its tokens', async () => {
    const store = await storeWith();
    const cost = priceOf({ input: 100, output: 5 }, { input: 1, output: 2 });
    expect(await annotateSample(work(store, teacherOf(positive)))).toEqual({
      kind: 'answer',
      answer: {
        kind: 'annotation',
        sampleId: aSample().id,
        task: 'reviews',
        round: 1,
        documentId: 'document-1',
        model: 'teacher-1-2026',
        promptHash: promptHash(aTask()),
        labels: ['positive'],
        distribution: null,
        confidence: null,
        usage: { input: 100, output: 5 },
        cost,
        cached: false,
      },
    });
    expect(await store.spend('reviews')).toMatchObject({ settled: cost, reserved: 0, calls: 1, inputTokens: 100, outputTokens: 5 });
  });

  it('is not paid for twice: the same question is answered from the cache, bad answers too', async () => {
    const store = await storeWith();
    const teacher = teacherOf(says('I could not say.'));
    const first = await annotateSample(work(store, teacher));
    const again = await annotateSample(work(store, teacher, { sample: { ...aSample(), id: 'other' } }));
    expect(first).toMatchObject({ answer: { kind: 'rejection', reason: 'unparseable', detail: 'I could not say.', cached: false } });
    expect(again).toMatchObject({
      answer: { kind: 'rejection', reason: 'unparseable', cost: 0, cached: true, usage: { input: 0, output: 0 } },
    });
    expect(teacher.calls).toBe(1);
  });

  it('costs all that was reserved where the server does not say what it used', async () => {
    const store = await storeWith();
    expect(await annotateSample(work(store, teacherOf(says('positive', { usage: null }))))).toMatchObject({
      answer: { kind: 'annotation', cost: worst },
    });
    expect(await store.spend('reviews')).toMatchObject({ settled: worst, reserved: 0 });
  });

  it('carries the confidence that the tokens show', async () => {
    const tokens = [
      { token: '{"label":"', logProbability: 0, alternatives: [] },
      { token: 'positive', logProbability: Math.log(0.8), alternatives: [{ token: 'negative', logProbability: Math.log(0.2) }] },
    ];
    const result = await annotateSample(work(await storeWith(), teacherOf(says('{"label":"positive"}', { tokens }))));
    expect(result).toMatchObject({
      answer: { confidence: expect.closeTo(0.8, 9), distribution: [expect.closeTo(0.8, 9), expect.closeTo(0.2, 9)] },
    });
  });
});

describe('a sample that is not', () => {
  it('is rejected unasked where its prompt is too long', async () => {
    const store = await storeWith();
    const teacher = teacherOf();
    const result = await annotateSample(work(store, teacher, { task: aTask({ teacher: { maxPromptBytes: 100 } }) }));
    expect(result).toMatchObject({ answer: { kind: 'rejection', reason: 'too_long', cost: 0 } });
    expect((await store.spend('reviews')).calls).toBe(0);
  });

  it.each([
    ['rate_limited', 'no', 0],
    ['overloaded', 'no', 0],
    ['unreachable', 'no', 0],
    ['unreachable', 'perhaps', worst],
    ['timeout', 'perhaps', worst],
    ['malformed', 'perhaps', worst],
  ] as const)('is tried again after %s (charged: %s)', async (kind, charged, settled) => {
    const store = await storeWith();
    expect(await annotateSample(work(store, teacherOf(fails(kind, charged))))).toMatchObject({ kind: 'retry', failure: { kind } });
    expect(await store.spend('reviews')).toMatchObject({ settled, reserved: 0, unknownCost: settled });
  });

  it('is given up at the last try, but not for failures that cost nothing', async () => {
    const last = async (outcome: TeacherOutcome) => annotateSample(work(await storeWith(), teacherOf(outcome), { lastTry: true }));
    expect(await last(fails('malformed', 'perhaps'))).toMatchObject({ answer: { reason: 'unparseable', cost: worst } });
    expect(await last(fails('timeout', 'perhaps'))).toMatchObject({ answer: { reason: 'outcome_unknown', cost: worst } });
    expect(await last(fails('rate_limited', 'no'))).toMatchObject({ kind: 'retry' });
  });

  it('is rejected where the server will not have it, and all stops where the server will have none', async () => {
    const store = await storeWith();
    expect(await annotateSample(work(store, teacherOf(fails('not_accepted', 'no'))))).toMatchObject({
      answer: { reason: 'not_accepted', detail: 'it was not_accepted' },
    });
    const refused = annotateSample(work(store, teacherOf(fails('credentials', 'no'))));
    await expect(refused).rejects.toMatchObject({ code: 'teacher_refused_credentials', message: expect.stringContaining('host/v1') });
    expect(await store.spend('reviews')).toMatchObject({ settled: 0, reserved: 0 });
  });
});

describe('the budget', () => {
  it('has room for the worst price or the sample is rejected unasked', async () => {
    const store = memoryAnnotationStore();
    await store.recordBudget('reviews', worst - 1);
    expect(await annotateSample(work(store, teacherOf()))).toMatchObject({ answer: { reason: 'budget_exhausted', cost: 0 } });
  });

  it('may have room again when calls in flight are settled', async () => {
    const store = memoryAnnotationStore();
    await store.recordBudget('reviews', worst);
    await store.reserve({ task: 'reviews', callId: 'another', sampleId: 'other', amount: 10 });
    expect(await annotateSample(work(store, teacherOf()))).toEqual({ kind: 'wait' });
    await store.settle({ task: 'reviews', callId: 'another', price: 0, inputTokens: 0, outputTokens: 0, answer: null });
    expect(await annotateSample(work(store, teacherOf(positive)))).toMatchObject({ answer: { kind: 'annotation' } });
  });

  it('of zero lets a teacher work that costs nothing', async () => {
    const task = aTask({ teacher: { price: { input: 0, output: 0 } } });
    expect(await annotateSample(work(await storeWith(0), teacherOf(positive), { task }))).toMatchObject({
      answer: { kind: 'annotation', cost: 0 },
    });
  });
});

describe('a call that was in flight at a crash', () => {
  const abandon = async () => {
    const store = await storeWith();
    await store.reserve({ task: 'reviews', callId: 'lost', sampleId: aSample().id, amount: worst });
    return store;
  };

  it('is settled at its reserved price and repeated', async () => {
    const store = await abandon();
    expect(await annotateSample(work(store, teacherOf(positive)))).toMatchObject({ answer: { kind: 'annotation' } });
    expect(await store.spend('reviews')).toMatchObject({ unknownOutcomes: 1, unknownCost: worst, reserved: 0 });
  });

  it('or rejected, where the task says so, unless its answer is known', async () => {
    const task = aTask({ teacher: { onOutcomeUnknown: 'reject' } });
    const store = await abandon();
    expect(await annotateSample(work(store, teacherOf(), { task }))).toMatchObject({ answer: { reason: 'outcome_unknown', cost: worst } });
    expect(await store.spend('reviews')).toMatchObject({ settled: worst, reserved: 0 });
    await annotateSample(work(store, teacherOf(positive), { sample: { ...aSample(), id: 'twin' } }));
    await store.reserve({ task: 'reviews', callId: 'lost again', sampleId: aSample().id, amount: worst });
    expect(await annotateSample(work(store, teacherOf(), { task }))).toMatchObject({ answer: { kind: 'annotation', cached: true } });
  });
});

describe('a stop', () => {
  it('before the call sends nothing; during it settles what may be billed', async () => {
    const store = await storeWith();
    await expect(annotateSample(work(store, teacherOf(), { signal: AbortSignal.abort() }))).rejects.toMatchObject({ code: 'cancelled' });
    expect((await store.spend('reviews')).calls).toBe(0);
    const stopping = new AbortController();
    const teacher: Teacher = {
      endpoint: 'host/v1',
      async ask() {
        stopping.abort();
        return fails('unreachable', 'perhaps');
      },
    };
    await expect(annotateSample(work(store, teacher, { signal: stopping.signal }))).rejects.toMatchObject({ code: 'cancelled' });
    expect(await store.spend('reviews')).toMatchObject({ settled: worst, reserved: 0 });
  });
});

/** A crash before or after a step of the store: what had been awaiting it never goes on. */
class Crash extends Error {}

describe('a server whose figures cannot be right', () => {
  const lies = says('{"label":"positive"}', { usage: { input: 500_000, output: 9 } });

  it('is counted as it states, for it may be true, and more is reserved for what is asked next', async () => {
    const store = await storeWith(1);
    const first = await annotateSample(work(store, teacherOf(lies)));
    const cost = priceOf({ input: 500_000, output: 9 }, { input: 1, output: 2 });
    expect(first).toMatchObject({ kind: 'answer', answer: { kind: 'annotation', cost }, overrun: { factor: cost / worst } });
    if (first.kind !== 'answer') throw new Error('no answer');
    expect(await store.spend('reviews')).toMatchObject({ settled: cost, reserved: 0 });

    const teacher = teacherOf(lies);
    const next = work(store, teacher, { sample: aSample('document-2'), overrun: first.overrun! });
    expect(await annotateSample(next)).toMatchObject({
      answer: { kind: 'rejection', reason: 'budget_exhausted', detail: expect.stringContaining('stated 500000 input and 9 output tokens') },
    });
    expect(teacher.calls).toBe(0);
    expect((await store.spend('reviews')).settled).toBeLessThanOrEqual(nanoUsd(1));
  });

  it('is one that asks for more than a request can take: not one that takes all of it', async () => {
    const { input, output } = worstUsage(renderRequest(aTask(), aSample().document));
    const all = says('{"label":"positive"}', { usage: { input, output } });
    expect(await annotateSample(work(await storeWith(), teacherOf(all)))).not.toHaveProperty('overrun');
    const more = says('{"label":"positive"}', { usage: { input: input + 1, output } });
    expect(await annotateSample(work(await storeWith(), teacherOf(more)))).toHaveProperty('overrun');
  });
});

describe('whatever happens, in whatever order', () => {
  const outcome = fc.oneof(
    { weight: 3, arbitrary: fc.record({ input: fc.nat(300), output: fc.nat(32), told: fc.boolean() }) },
    { weight: 1, arbitrary: fc.constantFrom('rate_limited' as const, 'overloaded' as const) },
    {
      weight: 1,
      arbitrary: fc.record({
        lost: fc.constantFrom('timeout' as const, 'malformed' as const, 'unreachable' as const),
        billed: fc.boolean(),
      }),
    },
  );
  const history = fc.record({
    budget: fc.integer({ min: 0, max: 12 }),
    outcomes: fc.array(outcome, { minLength: 1, maxLength: 40 }),
    crashes: fc.array(fc.constantFrom('no', 'no', 'no', 'before', 'after'), { maxLength: 60 }),
    onOutcomeUnknown: fc.constantFrom('repeat' as const, 'reject' as const),
    scheduler: fc.scheduler(),
  });

  it('the ledger is never below the bill and never above the cap, and every sample ends in one answer', async () => {
    await fc.assert(
      fc.asyncProperty(history, async ({ budget, outcomes, crashes, onOutcomeUnknown, scheduler }) => {
        const task = aTask({ teacher: { onOutcomeUnknown } });
        const ledger = memoryAnnotationStore();
        const cap = budget * worst;
        await ledger.recordBudget('reviews', cap);
        let bill = 0;
        let asked = 0;
        let step = 0;
        const check = async () => {
          const { settled, reserved } = await ledger.spend('reviews');
          expect(settled + reserved).toBeGreaterThanOrEqual(bill);
          expect(settled + reserved).toBeLessThanOrEqual(cap);
        };
        const crashing = <T>(action: () => Promise<T>): Promise<T> =>
          scheduler.schedule(Promise.resolve()).then(async () => {
            const crash = crashes[step++];
            if (crash === 'before') throw new Crash();
            const value = await action();
            await check();
            if (crash === 'after') throw new Crash();
            return value;
          });
        const store: AnnotationStore = {
          ...ledger,
          reserve: (call) => crashing(() => ledger.reserve(call)),
          settle: (call) => crashing(() => ledger.settle(call)),
          settleUnknown: (call) => crashing(() => ledger.settleUnknown(call)),
          settleAbandoned: (...call) => crashing(() => ledger.settleAbandoned(...call)),
          cachedAnswer: (key) => crashing(() => ledger.cachedAnswer(key)),
        };
        const teacher: Teacher = {
          endpoint: 'host/v1',
          async ask() {
            const next = outcomes[asked++ % outcomes.length] ?? 'overloaded';
            if (typeof next === 'string') return scheduler.schedule(Promise.resolve(fails(next, 'no')));
            const usage = 'lost' in next ? { input: 300, output: 32 } : { input: next.input, output: next.output };
            if (!('lost' in next) || next.billed) bill += priceOf(usage, task.settings.teacher.price);
            const known = 'lost' in next ? fails(next.lost, 'perhaps') : says('positive', { usage: next.told ? usage : null });
            return scheduler.schedule(Promise.resolve(known));
          },
        };
        const label = async (index: number): Promise<string> => {
          const sample = aSample(`document-${index}`);
          for (let attempt = 1; attempt < 200; attempt++) {
            const { signal } = new AbortController();
            const callId = `${sample.id}:${attempt}`;
            try {
              const result = await annotateSample({
                task,
                sample,
                teacher,
                store,
                callId,
                lastTry: attempt > 3,
                signal,
                callSignal: signal,
              });
              if (result.kind === 'answer') return result.answer.kind === 'annotation' ? 'annotation' : result.answer.reason;
              if (result.kind === 'retry' && result.failure.charged === 'no' && attempt > 20) return 'given up';
            } catch (error) {
              if (!(error instanceof Crash)) throw error;
            }
          }
          return 'endless';
        };
        const ends = await scheduler.waitFor(Promise.all([0, 1, 2, 3, 4].map(label)));
        expect(ends).not.toContain('endless');
        await check();
      }),
      { numRuns: 200 },
    );
  });
});
