import { setTimeout } from 'node:timers/promises';
import { openAiTeacher } from '@llambert/adapters/openai';
import { type Answer, type Clock, nanoUsd, priceOf, type Sample, type Task } from '@llambert/domain';
import { aSample, aTask, memoryAnnotationStore } from '@llambert/testing';
import { type StandinOptions, startStandinTeacher } from '@llambert/tool-standin-teacher';
import { describe, expect, it } from 'vitest';
import { annotateJobHandler } from './annotate-job.ts';

/** Says "positive" about the even documents, with a little doubt. */
const annotator: StandinOptions['annotator'] = {
  mode: 'test',
  judge(document) {
    const [label, other] = Number(/\d+/.exec(document.text)?.[0]) % 2 === 0 ? ['positive', 'negative'] : ['negative', 'positive'];
    return {
      kind: 'single',
      labels: [label ?? ''],
      probabilities: new Map([
        [label ?? '', 0.9],
        [other ?? '', 0.1],
      ]),
    };
  },
};
/** Time passes only as fast as its sleepers want. */
const impatientClock: Clock = { now: () => 0, sleep: async () => undefined };

async function annotate(options: Partial<StandinOptions>, task: Task, usd: number) {
  const standin = await startStandinTeacher({ annotator, ...options });
  const store = memoryAnnotationStore();
  await store.recordBudget('reviews', nanoUsd(usd));
  const teacher = openAiTeacher({ baseUrl: standin.baseUrl, apiKey: options.apiKey ?? null });
  const handle = annotateJobHandler({ store, clock: impatientClock, taskOf: () => task, teacherOf: () => teacher });
  const { signal } = new AbortController();
  const label = async (sample: Sample): Promise<Answer> => {
    for (let token = 1; ; token++) {
      const result = await handle(
        { kind: 'annotate', id: sample.id, scope: 'reviews', payload: JSON.stringify(sample), token, attempt: token },
        signal,
      );
      if ('complete' in result && result.complete[0]?.name === 'sample.answered') return result.complete[0].body;
      if (token > 10_000) throw new Error('endless');
      await setTimeout(1);
    }
  };
  try {
    const answers = await Promise.all(Array.from({ length: 30 }, (_, index) => label(aSample(`document-${index}`))));
    const { promptTokens, completionTokens } = standin.ledger().billed;
    const bill = priceOf({ input: promptTokens, output: completionTokens }, task.settings.teacher.price);
    return { answers, bill, books: standin.ledger(), spend: await store.spend('reviews') };
  } finally {
    await standin.close();
  }
}

const right = ({ documentId }: Answer) => [Number(/\d+/.exec(documentId)?.[0]) % 2 === 0 ? 'positive' : 'negative'];

describe('through the real client, against the stand-in', () => {
  it('every answer is read, with its probabilities, and the ledger is the bill', async () => {
    const { answers, bill, spend, books } = await annotate({}, aTask(), 1);
    for (const answer of answers) {
      expect(answer).toMatchObject({ kind: 'annotation', labels: right(answer), confidence: expect.closeTo(0.9, 4) });
      expect(answer.kind === 'annotation' && answer.distribution?.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 9);
    }
    expect(books.billed.calls).toBe(30);
    expect(spend).toMatchObject({ settled: bill, reserved: 0, calls: 30 });
  });

  it('a server that knows neither schemas nor log-probabilities is understood from its sentences', async () => {
    const { answers } = await annotate({ capabilities: { structured: false, logprobs: false, prose: true } }, aTask(), 1);
    for (const answer of answers) expect(answer).toMatchObject({ kind: 'annotation', labels: right(answer), confidence: null });
  });

  it('under faults of every kind each sample is answered once, and the ledger is never below the bill', async () => {
    const faults: StandinOptions['faults'] = {
      'rate-limit': { probability: 0.15 },
      'server-error': { probability: 0.1 },
      hang: { probability: 0.03 },
      cut: { probability: 0.1 },
      'malformed-body': { probability: 0.1 },
      'unknown-label': { probability: 0.05 },
      refusal: { probability: 0.05 },
      'missing-usage': { probability: 0.1 },
    };
    const { answers, bill, spend } = await annotate(
      { faults, seed: 7, retryAfterSeconds: 0 },
      aTask({ teacher: { timeoutSeconds: 1 } }),
      1,
    );
    const labelled = answers.filter((answer) => answer.kind === 'annotation');
    expect(labelled.length).toBeGreaterThan(15);
    for (const answer of labelled) expect(answer).toMatchObject({ labels: right(answer) });
    expect(spend.settled).toBeGreaterThanOrEqual(bill);
    expect(spend.settled).toBeLessThanOrEqual(spend.cap);
    expect(spend).toMatchObject({ reserved: 0, unknownOutcomes: expect.any(Number) });
  });

  it('a small budget is used and never passed', async () => {
    const usd = 0.006;
    const { answers, bill, spend } = await annotate({}, aTask(), usd);
    expect(answers.filter((answer) => answer.kind === 'annotation').length).toBeGreaterThan(1);
    expect(
      answers
        .filter((answer) => answer.kind === 'rejection')
        .every((answer) => answer.kind === 'rejection' && answer.reason === 'budget_exhausted'),
    ).toBe(true);
    expect(spend.settled).toBeGreaterThanOrEqual(bill);
    expect(spend.settled).toBeLessThanOrEqual(nanoUsd(usd));
  });

  it('a wrong key stops everything with a message that does not hold it', async () => {
    const standin = await startStandinTeacher({ annotator, apiKey: 'right-key' });
    const store = memoryAnnotationStore();
    await store.recordBudget('reviews', 1e9);
    const teacher = openAiTeacher({ baseUrl: standin.baseUrl, apiKey: 'wrong-key-123' });
    const handle = annotateJobHandler({ store, clock: impatientClock, taskOf: () => aTask(), teacherOf: () => teacher });
    const sample = aSample();
    const lease = { kind: 'annotate', id: sample.id, scope: 'reviews', payload: JSON.stringify(sample), token: 1, attempt: 1 };
    const refused = handle(lease, new AbortController().signal);
    await expect(refused).rejects.toMatchObject({
      code: 'teacher_refused_credentials',
      message: expect.not.stringContaining('wrong-key-123'),
    });
    expect(await store.spend('reviews')).toMatchObject({ settled: 0, reserved: 0 });
    await standin.close();
  });
});
