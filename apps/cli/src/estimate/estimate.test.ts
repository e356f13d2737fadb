import { parseTaskYaml } from '@llambert/contracts';
import { describe, expect, it } from 'vitest';
import { estimateOf, type Measured } from './estimate.ts';
import { estimateText } from './estimate-text.ts';
import { measurePrompts } from './measure-prompts.ts';

const taskWith = (settings: string) =>
  parseTaskYaml(
    `task: t\ndescription: What?\nlabels: [good, bad]\nteacher: {model: m, baseUrl: https://example.org/v1, price: {input: 1, output: 10}}\n${settings}`,
    { fileName: 'task.yaml' },
  ).task;

const assumptions = { personUsdPerHour: 36, personSecondsPerDocument: 10, wattsPerCore: 10, cores: 4, teacherWatts: null };
const measured: Measured = {
  documents: 100_000,
  prompts: { documents: 300, inputTokens: 900, outputTokens: 10, tooLong: 0 },
  teacher: null,
  students: [{ student: 'linear, words', documentsPerSecond: 2500, trainingSeconds: 1, trainedOn: 1000 }],
};

describe('estimateOf', () => {
  it('reckons what each way costs', () => {
    const estimate = estimateOf(taskWith('budget: {usd: 5, annotations: 2000}'), measured, assumptions);
    expect(estimate.usdPerCall).toBeCloseTo(0.001, 9);
    expect(estimate.annotations).toEqual({ count: 2000, limit: 'annotations' });
    const [all, people, sample, student] = estimate.rows;
    expect(all).toMatchObject({ documents: 100_000, seconds: null, kilowattHours: null });
    expect(all!.usd).toBeCloseTo(100, 6);
    expect(people).toMatchObject({ usd: 10_000, seconds: 1_000_000 });
    expect(sample!.usd).toBeCloseTo(2, 6);
    expect(student).toMatchObject({ usd: 0, seconds: 10 });
    // 40 W for 10 s.
    expect(student!.kilowattHours).toBeCloseTo(400 / 3.6e6, 12);
  });

  it('ends the sample at the cap, or with the documents', () => {
    expect(estimateOf(taskWith('budget: {usd: 0.5, annotations: 2000}'), measured, assumptions).annotations).toEqual({
      count: 500,
      limit: 'usd',
    });
    expect(estimateOf(taskWith(''), { ...measured, documents: 50 }, assumptions).annotations).toEqual({ count: 50, limit: 'documents' });
  });

  it('takes the time and the tokens from the teacher where it was asked', () => {
    const teacher = { asked: 10, seconds: 5, usd: 0.01, usdAtMost: false, inputTokens: 500, outputTokens: 50 };
    const estimate = estimateOf(taskWith(''), { ...measured, teacher }, { ...assumptions, teacherWatts: 720 });
    expect(estimate.tokens).toEqual({ input: 500, output: 50, by: 'teacher' });
    expect(estimate.rows[0]).toMatchObject({ seconds: 50_000 });
    expect(estimate.rows[0]!.kilowattHours).toBeCloseTo(10, 9);
  });

  it('leaves documents that are too long to nobody but people and the student', () => {
    const prompts = { ...measured.prompts, tooLong: 0.25 };
    expect(estimateOf(taskWith(''), { ...measured, prompts }, assumptions).rows.map(({ documents }) => documents)).toEqual([
      75_000, 100_000, 2000, 100_000,
    ]);
  });
});

describe('estimateText', () => {
  it('says what was measured, what was assumed, and what is not known', () => {
    const encoder = { student: 'fine-tuned e', documentsPerSecond: 20, trainingSeconds: 60, trainedOn: 2000, allRoundsSeconds: 105 };
    const students = [...measured.students, encoder];
    const text = estimateText(estimateOf(taskWith(''), { ...measured, students }, assumptions));
    for (const part of [
      't: 100,000 documents',
      '$10,000',
      'not measured',
      '--ask 20',
      '2,500 documents a second on one core',
      '(training on 1,000: 1 s)',
      'all rounds together at most',
      'made-up labels',
    ]) {
      expect(text).toContain(part);
    }
  });
});

describe('measurePrompts', () => {
  it('counts tokens of what would be sent, control tokens of a tokenizer as text, and passes over what is too long', async () => {
    const document = (text: string) => ({ id: text.slice(0, 5), text, metadata: {} });
    const task = taskWith('');
    const short = await measurePrompts(task, [document('hello')]);
    const longer = await measurePrompts(task, [document(`hello${' word'.repeat(100)}`)]);
    expect(longer.inputTokens - short.inputTokens).toBe(100);
    expect(short.outputTokens).toBeGreaterThan(3);
    const mixed = await measurePrompts(task, [document('hello'), document('x'.repeat(40_000)), document('<|endoftext|>')]);
    expect(mixed.tooLong).toBeCloseTo(1 / 3, 9);
    expect(await measurePrompts(task, [])).toMatchObject({ documents: 0, inputTokens: 0, tooLong: 0 });
  });
});
