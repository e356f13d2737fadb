import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ModelManifest } from '@llambert/domain';
import { type Annotator, type StandinTeacher, startStandinTeacher } from '@llambert/tool-standin-teacher';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { llambert, startLlambert } from './command-line.fixture.ts';
import type { Estimate } from './estimate/estimate.ts';

const topics = [
  ['invoice', 'refund', 'price'],
  ['parcel', 'courier', 'address'],
];
const labels = ['money', 'delivery'];

/** Texts that a word tells the topic of. */
const documents = Array.from({ length: 240 }, (_, index) => {
  const topic = index % 2;
  const word = topics[topic]![index % 3]!;
  return { id: `d${index}`, text: `my ${word} of number ${(index * 37) % 19} is not as it should be`, label: labels[topic]! };
});

const teacherOfTopics: Annotator = {
  mode: 'rules',
  judge(document) {
    const topic = topics.findIndex((words) => words.some((word) => document.text.includes(word)));
    const label = labels[topic]!;
    return { kind: 'single', labels: [label], probabilities: new Map(labels.map((each) => [each, each === label ? 0.98 : 0.02])) };
  },
};

describe('an encoder as the student', () => {
  let folder: string;
  let teacher: StandinTeacher;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'llambert-encoder-'));
    teacher = await startStandinTeacher({ annotator: teacherOfTopics });
    writeFileSync(at('documents.jsonl'), documents.map(({ id, text }) => `${JSON.stringify({ id, text })}\n`).join(''));
    task();
  });
  afterEach(async () => {
    await teacher.close();
    rmSync(folder, { recursive: true });
  });

  const at = (name: string) => join(folder, name);
  const user = (...args: string[]) => llambert(args, { cwd: folder });
  const run = ['run', 'task.yaml', '--input', 'documents.jsonl', '--out', 'out'];
  const lines = (name: string) =>
    readFileSync(at(name), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));

  function task(model = 'scratch:small', epochs = 6, more = ''): void {
    const text = [
      'task: topics',
      'description: What is it about?',
      `labels: [${labels}]`,
      `teacher: {model: standin, baseUrl: ${teacher.baseUrl}}`,
      'budget: {annotations: 120}',
      'sampling: {rounds: 1}',
      `student: {model: "${model}", maxTokens: 32, fineTuning: {epochs: ${epochs}, learningRate: 0.002}${more}}`,
    ];
    writeFileSync(at('task.yaml'), `${text.join('\n')}\n`);
  }

  it('is trained from scratch, labels everything, and labels again from its folder', { timeout: 400_000 }, async () => {
    const { code, stderr, stdout } = await user(...run);
    expect([code, stderr]).toEqual([0, expect.any(String)]);
    expect(stdout).toContain('student    fine-tuned and linear');
    const labelled = lines('out/labels.jsonl') as { id: string; label: string; model: string }[];
    expect(labelled.map(({ id }) => id)).toEqual(documents.map(({ id }) => id));
    const right = labelled.filter(({ label }, index) => label === documents[index]!.label);
    expect(right.length / documents.length).toBeGreaterThan(0.95);

    const manifest = JSON.parse(readFileSync(at('out/model/manifest.json'), 'utf8')) as ModelManifest;
    expect(manifest).toMatchObject({ student: 'fine-tuned', ensemble: {}, baseModel: 'scratch:small', licence: null });
    expect(manifest.evaluations[0]).toMatchObject({ reference: 'teacher', on: 'held-out' });
    expect(manifest.training).toMatchObject({ epochs: 6, precisionReason: expect.stringContaining('held-out documents') });
    expect(readdirSync(at('out/model'))).toContain('model.safetensors');

    expect(await user('label', '--model', 'out/model', '--input', 'documents.jsonl', '--out', 'again.jsonl')).toMatchObject({ code: 0 });
    const again = lines('again.jsonl') as { id: string; label: string }[];
    expect(again.map(({ id, label }) => [id, label])).toEqual(labelled.map(({ id, label }) => [id, label]));

    // What is released is a checkpoint like any other.
    task('./out/model');
    expect((await user('doctor', 'task.yaml')).stdout).toContain('ok    encoder    ./out/model can be trained from');
  });

  it('ends with the same model when killed while it trains', { timeout: 400_000 }, async () => {
    task('scratch:small', 2);
    expect(await user(...run)).toMatchObject({ code: 0 });
    const [alone] = lines('out/labels.jsonl') as { model: string }[];
    const killed = startLlambert(run.with(-1, 'killed'), { cwd: folder });
    let said = '';
    killed.child.stderr!.on('data', (text: string) => {
      said += text;
    });
    while (!said.includes('training')) await delay(20);
    killed.child.kill('SIGKILL');
    await killed.ended;
    expect(existsSync(at('killed/labels.jsonl'))).toBe(false);
    expect(await user(...run.with(-1, 'killed'))).toMatchObject({ code: 0 });
    expect((lines('killed/labels.jsonl') as { model: string }[])[0]!.model).toBe(alone!.model);
    expect(readFileSync(at('killed/labels.jsonl'), 'utf8')).toBe(readFileSync(at('out/labels.jsonl'), 'utf8'));
  });

  it('stops in order at Ctrl-C while it trains, and goes on afterwards', { timeout: 400_000 }, async () => {
    task('scratch:small', 200);
    const stopped = startLlambert(run, { cwd: folder });
    let said = '';
    stopped.child.stderr!.on('data', (text: string) => {
      said += text;
    });
    while (!said.includes('fine-tuned student')) await delay(20);
    stopped.child.kill('SIGINT');
    expect(await stopped.ended).toMatchObject({ code: 130, stderr: expect.stringContaining('the same command goes on from here') });
    task('scratch:small', 1);
    expect(await user(...run)).toMatchObject({ code: 0 });
  });

  it('is measured by the estimate', { timeout: 400_000 }, async () => {
    task('scratch:small', 6, ', pseudoLabels: {}');
    const { code, stdout } = await user('--json', 'estimate', 'task.yaml', '--input', 'documents.jsonl');
    expect(code).toBe(0);
    const { measured, rows } = JSON.parse(stdout) as Estimate;
    const own = measured.students.find(({ student }) => student === 'fine-tuned scratch:small')!;
    // As many as the task's budget.annotations: the pseudo-labelled ones teach the linear student beside it.
    expect(own.trainedOn).toBe(120);
    expect(own.trainingSeconds).toBeGreaterThan(0);
    // There is one round.
    expect(own.allRoundsSeconds).toBe(own.trainingSeconds);
    expect(own.documentsPerSecond).toBeGreaterThan(0);
    expect(rows.map(({ way }) => way)).toContain('student on all (fine-tuned scratch:small)');
  });

  it('that is not there is found out before the teacher is asked', async () => {
    task('./nowhere');
    const { code, stderr } = await user(...run);
    expect([code, stderr]).toEqual([2, expect.stringContaining('config.json')]);
    expect(teacher.ledger().billed.calls).toBe(0);
    expect(existsSync(at('out'))).toBe(false);
  });
});
