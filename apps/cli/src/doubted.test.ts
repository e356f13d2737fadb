import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Summary } from '@llambert/review';
import type { Annotator } from '@llambert/tool-standin-teacher';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { colourDocuments, colourist, colours, colourTask, run } from './colours.fixture.ts';

let task: Awaited<ReturnType<typeof colourTask>>;
beforeEach(async () => {
  task = await colourTask();
});
afterEach(() => task.close());

const documents = colourDocuments(600);
const isMistaken = (text: string) => Number(/number (\d+)/.exec(text)![1]) % 7 === 0;
const rightLabel = (text: string) => colours.find((colour) => text.startsWith(`the ${colour}`))!;

/** One answer in seven is wrong, unless asked again in other words. */
const hasty: Annotator = {
  mode: 'rules',
  judge(document, question, inOtherWords) {
    const judgement = colourist.judge(document, question);
    if (judgement.kind === 'unusable' || inOtherWords === true || !isMistaken(document.text)) return judgement;
    const wrong = colours[(colours.indexOf(judgement.labels[0]!) + 1) % colours.length]!;
    return { ...judgement, labels: [wrong], probabilities: new Map(colours.map((colour) => [colour, colour === wrong ? 0.98 : 0.01])) };
  },
};

/** A task whose teacher errs. */
async function begin(likelyWrong: string) {
  const teacher = await task.start({ annotator: hasty });
  task.writeTask([`student: {model: linear, likelyWrong: ${likelyWrong}}`], { budget: '{usd: 1, annotations: 200}' });
  writeFileSync(task.at('task.yaml'), readFileSync(task.at('task.yaml'), 'utf8').replace(task.teacher.baseUrl, teacher.baseUrl));
  task.writeDocuments(documents);
  return teacher;
}
async function finished(args: readonly string[] = run): Promise<Summary> {
  const result = await task.user(args);
  expect(result, result.stderr).toMatchObject({ code: 0 });
  return JSON.parse(result.stdout) as Summary;
}
const textOf = (id: string) => documents.find((document) => document.id === id)!.text;

describe('labels that are likely wrong', () => {
  it('are asked about again, each once, within the budget, and the second answer counts', async () => {
    const teacher = await begin('ask-teacher');
    const summary = await finished();
    const rows = task.rowsIn('run/annotations.jsonl');
    const [second, first] = [true, false].map((again) => rows.filter((row) => (row.askedAgain === true) === again));
    expect(rows).toHaveLength(200);
    expect(teacher.ledger().billed.calls).toBe(200);
    expect(second!.length).toBeGreaterThan(4);
    expect(new Set(second!.map(({ id }) => id)).size).toBe(second!.length);
    for (const { id, labels } of second!) expect(labels).toEqual([rightLabel(textOf(id))]);
    const changed = second!.filter(({ id, labels }) => first!.find((row) => row.id === id).labels.join() !== labels.join());
    expect(changed.length).toBeGreaterThan(second!.length / 2);
    expect(summary.doubted).toMatchObject({ askedAgain: second!.length, changed: changed.length });

    // What came in the last round nobody could be asked about again: it is left for people.
    const listed = task.rowsIn('run/doubted.jsonl');
    expect(listed).toHaveLength(summary.doubted!.listed);
    for (const { id } of listed) expect(second!.some((row) => row.id === id)).toBe(false);
    expect(await finished()).toMatchObject({ doubted: summary.doubted });
    expect(teacher.ledger().billed.calls).toBe(200);
  }, 240_000);

  it('are left for a person, whose labels the same command goes on with, at no further cost', async () => {
    const teacher = await begin('ask-person');
    const before = await finished();
    expect(before.warnings.join()).toContain('until a person decides');
    const listed = task.rowsIn('run/doubted.jsonl');
    expect(listed).toHaveLength(before.doubted!.listed);
    expect(listed.length).toBeGreaterThan(10);
    const mistaken = listed.filter(({ text }) => isMistaken(text));
    expect(mistaken.length / listed.length).toBeGreaterThan(0.9);
    for (const { id, text, label, suggested, probability } of mistaken) {
      expect(text).toBe(textOf(id));
      expect(label).not.toBe(rightLabel(text));
      expect(suggested).toBe(rightLabel(text));
      expect(probability).toBeGreaterThan(0.5);
    }

    const gold = listed.map(({ id, text }) => ({ id, label: rightLabel(text), sampled: 'chosen' }));
    writeFileSync(task.at('gold.jsonl'), gold.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const after = await finished([...run, '--gold', 'gold.jsonl']);
    expect(teacher.ledger().billed.calls).toBe(200);
    expect(after.cost.usd).toBe(before.cost.usd);
    expect(after.doubted!.labels).toBeLessThan(before.doubted!.labels);
    const left = existsSync(task.at('run/doubted.jsonl')) ? task.rowsIn('run/doubted.jsonl') : [];
    for (const { id } of left) expect(listed.some((row) => row.id === id)).toBe(false);
    const manifest = JSON.parse(readFileSync(task.at('run/model/manifest.json'), 'utf8'));
    expect(manifest.dataset).toMatchObject({ trainGold: listed.length, certifyGold: 0 });
  }, 240_000);
});
