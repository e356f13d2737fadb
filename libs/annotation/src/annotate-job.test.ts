import type { Clock, Lease, NewJob, Retry, Sample, Teacher, TeacherFailure, TeacherOutcome } from '@llambert/domain';
import { aSample, aTask, memoryAnnotationStore } from '@llambert/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { annotateJobHandler, recordSamples } from './annotate-job.ts';
import { retryDelay } from './backoff.ts';

const positive = {
  ok: true,
  answer: { content: '{"label":"positive"}', refusal: null, finish: 'stop', tokens: null, usage: { input: 100, output: 5 }, model: 'm' },
} satisfies TeacherOutcome;
const failure = (kind: TeacherFailure['kind'], charged: TeacherFailure['charged'], retryAfterMs: number | null = null): TeacherFailure => ({
  kind,
  charged,
  retryAfterMs,
  detail: kind,
});

function teacherOf(...outcomes: (TeacherOutcome | TeacherFailure)[]): Teacher {
  return {
    endpoint: 'host/v1',
    async ask() {
      const outcome = outcomes.shift();
      if (outcome === undefined) throw new Error('asked once too often');
      return 'ok' in outcome ? outcome : { ok: false, failure: outcome };
    },
  };
}

function leaseOf(sample: Sample, token = 1): Lease {
  return { kind: 'annotate:reviews', id: sample.id, scope: sample.task, payload: JSON.stringify(sample), token, attempt: token };
}

/** A clock that jumps over every sleep and remembers them. */
function jumpingClock(): Clock & { slept: number[] } {
  let now = 1000;
  const slept: number[] = [];
  return {
    slept,
    now: () => now,
    async sleep(milliseconds) {
      slept.push(milliseconds);
      now += Math.max(0, milliseconds);
    },
  };
}

async function handlerWith(teacher: Teacher, clock: Clock = jumpingClock()) {
  const store = memoryAnnotationStore();
  await store.recordBudget('reviews', 1e9);
  const { signal } = new AbortController();
  const retries: Retry[] = [];
  const notices: string[] = [];
  const handle = annotateJobHandler({
    store,
    clock,
    taskOf: (name) => (name === 'reviews' ? aTask() : undefined),
    teacherOf: () => teacher,
    onRetry: (retry) => retries.push(retry),
    onNotice: (notice) => notices.push(notice),
  });
  return { store, retries, notices, run: (sample: Sample, token = 1) => handle(leaseOf(sample, token), signal) };
}

it('one job is recorded for each sample, and holds it', async () => {
  const recorded: NewJob[] = [];
  const jobs = {
    async enqueue(added: readonly NewJob[]) {
      recorded.push(...added);
    },
  };
  await recordSamples(jobs, [aSample()]);
  expect(recorded).toEqual([{ kind: 'annotate:reviews', id: aSample().id, scope: 'reviews', payload: expect.any(String) }]);
  expect(JSON.parse(recorded[0]?.payload ?? '')).toEqual(aSample());
});

describe('a job', () => {
  it('ends with the event of its answer', async () => {
    const { run } = await handlerWith(teacherOf(positive));
    expect(await run(aSample())).toEqual({
      asked: true,
      answer: expect.objectContaining({ kind: 'annotation' }),
      complete: [
        {
          id: `answered:${aSample().id}`,
          name: 'sample.answered',
          key: 'reviews',
          body: expect.objectContaining({ kind: 'annotation', labels: ['positive'] }),
        },
      ],
    });
  });

  it('says once that the figures of a server cannot be right, and asks it no more than the budget has room for', async () => {
    const lie: TeacherOutcome = { ok: true, answer: { ...positive.answer, usage: { input: 400_000, output: 5 } } };
    const { run, notices, store } = await handlerWith(teacherOf(lie, lie));
    const answers = [];
    for (const id of ['a', 'b', 'c']) answers.push(await run(aSample(id)));
    expect(notices).toEqual([expect.stringContaining('its figures cannot be right')]);
    // A dollar has room for two such calls.
    expect((await store.spend('reviews')).settled).toBeLessThanOrEqual(1e9);
    expect(answers[2]).toMatchObject({ complete: [{ body: { kind: 'rejection', reason: 'budget_exhausted' } }] });
  });

  it('waits until its task has been heard of', async () => {
    const { run } = await handlerWith(teacherOf());
    expect(await run({ ...aSample(), task: 'unheard' })).toEqual({ releaseAfterMs: 500, failure: null });
  });

  it('is given back with the failure, and the next one waits out the pause', async () => {
    const clock = jumpingClock();
    const { run, retries } = await handlerWith(teacherOf(failure('rate_limited', 'no', 8000), positive, positive), clock);
    const released = await run(aSample('a'));
    if (!('releaseAfterMs' in released)) throw new Error('the job was not released');
    expect(released.failure?.kind).toBe('rate_limited');
    expect(released.releaseAfterMs).toBeGreaterThanOrEqual(8000);
    expect(retries).toEqual([{ what: 'asking the teacher', reason: 'rate_limited', failures: 1, waitMs: released.releaseAfterMs }]);
    await run(aSample('b'));
    expect(clock.slept).toEqual([released.releaseAfterMs]);
    await run(aSample('c'));
    expect(clock.slept).toHaveLength(1);
  });

  it('takes calls that failed together for one failure of the teacher, and an answer for the end of the series', async () => {
    const away = failure('overloaded', 'no');
    const { run } = await handlerWith(teacherOf(away, away, away, away, away, positive, away));
    const delayOf = async (id: string) => {
      const result = await run(aSample(id));
      return 'releaseAfterMs' in result ? result.releaseAfterMs : null;
    };
    for (const delay of await Promise.all(['a', 'b', 'c', 'd'].map(delayOf))) expect(delay).toBeLessThan(1300);
    const second = await delayOf('e');
    expect(second).toBeGreaterThanOrEqual(2000);
    expect(second).toBeLessThan(2600);
    expect(await delayOf('f')).toBeNull();
    expect(await delayOf('g')).toBeLessThan(1300);
  });

  it('does not make others wait for an answer that could not be read', async () => {
    const clock = jumpingClock();
    const { run } = await handlerWith(teacherOf(failure('malformed', 'perhaps'), positive), clock);
    expect(await run(aSample('a'))).toHaveProperty('releaseAfterMs');
    await run(aSample('b'));
    expect(clock.slept).toEqual([]);
  });

  it('is rejected after three tries that may have cost money; those that did not do not count', async () => {
    const free = failure('overloaded', 'no');
    const costly = failure('timeout', 'perhaps');
    const { run } = await handlerWith(teacherOf(free, costly, free, free, costly, free, costly));
    for (let token = 1; token <= 6; token++) expect(await run(aSample(), token)).toHaveProperty('releaseAfterMs');
    expect(await run(aSample(), 7)).toMatchObject({ complete: [{ body: { kind: 'rejection', reason: 'outcome_unknown' } }] });
  });
});

describe('the grace of a stop', () => {
  const waiting = async (answerAfterMs: number) => {
    const stopping = new AbortController();
    const sleeps: { milliseconds: number; wake: () => void }[] = [];
    const clock: Clock = { now: () => 0, sleep: (milliseconds) => new Promise((wake) => sleeps.push({ milliseconds, wake })) };
    const store = memoryAnnotationStore();
    await store.recordBudget('reviews', 1e9);
    const teacher: Teacher = {
      endpoint: 'host/v1',
      ask: (_, { signal }) =>
        new Promise((resolve) => {
          signal?.addEventListener('abort', () => resolve({ ok: false, failure: failure('unreachable', 'perhaps') }));
          stopping.abort();
          if (answerAfterMs < (sleeps[0]?.milliseconds ?? 0)) resolve(positive);
          else sleeps[0]?.wake();
        }),
    };
    const handle = annotateJobHandler({ store, clock, taskOf: () => aTask(), teacherOf: () => teacher });
    return handle(leaseOf(aSample()), stopping.signal);
  };

  it('lets a call in flight be answered, and breaks it off when it takes too long', async () => {
    expect(await waiting(4000)).toHaveProperty('complete');
    await expect(waiting(60_000)).rejects.toMatchObject({ code: 'cancelled' });
  });
});

describe('retryDelay', () => {
  it('is what the server asked for, or doubles up to a minute', () => {
    expect(retryDelay(failure('rate_limited', 'no', 3000), 9, 'x')).toBeGreaterThanOrEqual(3000);
    expect(retryDelay(failure('rate_limited', 'no', 86_400_000), 1, 'x')).toBeLessThanOrEqual(375_000);
    const call = fc.tuple(fc.string(), fc.integer({ min: 1, max: 2000 }));
    fc.assert(
      fc.property(call, ([id, failures]) => {
        const base = Math.min(60_000, 1000 * 2 ** (failures - 1));
        const delay = retryDelay(failure('overloaded', 'no'), failures, id);
        expect(delay >= base && delay <= base * 1.25 + 1).toBe(true);
      }),
    );
    expect(retryDelay(failure('overloaded', 'no'), 1, 'a')).not.toBe(retryDelay(failure('overloaded', 'no'), 1, 'b'));
  });
});
