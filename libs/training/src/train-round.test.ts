import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { folderArtifactStore, openArtifact } from '@llambert/adapters/folder';
import { type Answer, type Gold, goldRole, labelSetOf, type Sample } from '@llambert/domain';
import { aDocument, aDrawnSample, anAnnotation, aRejection, aTask } from '@llambert/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { assembleDataset } from './dataset.ts';
import { trainRound } from './train-round.ts';
import type { TrainStudent } from './train-student.ts';

const task = aTask();
const labels = labelSetOf(task.spec);

function answered(count: number): { sample: Sample; answer: Answer }[] {
  return Array.from({ length: count }, (_, index) => {
    const sample = aDrawnSample({ document: aDocument({ id: `d${index}`, text: `text ${index}` }) });
    return { sample, answer: anAnnotation({ sampleId: sample.id, documentId: `d${index}`, labels: [labels.names[index % 2]!] }) };
  });
}

/** A student that is right about every document but overconfident, and leaves one file. */
const overconfident: TrainStudent = async ({ rows, score, folder }) => {
  writeFileSync(join(folder, 'weights'), 'weights');
  const logits = (target: readonly number[], wrong: boolean) => target.map((share) => (share > 0.5 !== wrong ? 20 : -20));
  return {
    student: 'linear',
    baseModel: null,
    heldOut: {
      rows: rows.map((_, row) => row),
      logits: Float32Array.from(rows.flatMap((row, index) => logits(row.target, index % 10 === 0))),
      on: 'out-of-fold',
      learnedAfter: true,
    },
    scoredLogits: Float32Array.from(score.flatMap(({ text }) => logits(text.endsWith('positive') ? [1, 0] : [0, 1], false))),
    training: { strength: 1 },
  };
};

describe('a round', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'llambert-round-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const train = (dataset: ReturnType<typeof assembleDataset>, student: TrainStudent = overconfident) =>
    trainRound(task, 2, dataset, false, { artifacts: folderArtifactStore(folder), train: student, signal: new AbortController().signal });

  it('is calibrated by people where they labelled more than the teacher, and says so', async () => {
    const gold = Array.from({ length: 60 }, (_, index): Gold => {
      const document = aDocument({ id: `g${index}`, text: `gold ${index}` });
      return { task: task.name, document, labels: [labels.names[index % 2]!], draw: 'chosen' };
    });
    const labelled = (count: number) => assembleDataset(task.name, labels, answered(count), gold);
    const calibrationOf = async (dataset: ReturnType<typeof assembleDataset>) => (await train(dataset)).model!.manifest.calibration;
    expect(await calibrationOf(labelled(12))).toMatchObject({ reference: 'human', documents: 60 });
    expect(await calibrationOf(labelled(100))).toMatchObject({ reference: 'teacher', documents: 100 });
  });

  it('ends with a model whose manifest says what it learned from, how good it is and against whom', async () => {
    const { model, evaluation } = await train(assembleDataset(task.name, labels, answered(100), []));
    expect(evaluation).toMatchObject({
      round: 2,
      annotations: 100,
      model: model!.digest,
      agreement: { reference: 'teacher', accuracy: 0.9 },
    });
    expect(model!.manifest).toMatchObject({
      round: 2,
      student: 'linear',
      baseModel: null,
      training: { strength: 1 },
      dataset: { annotations: 100, certifyGold: 0 },
    });
    expect(model!.manifest.evaluations.map((item) => [item.reference, item.on])).toEqual([['teacher', 'out-of-fold']]);
    // One in ten is wrong, so nine tenths is how sure a calibrated student is, less what a hundred documents cannot tell.
    const sure = (0.9 * 100 + 1) / 102;
    const { calibration } = model!.manifest;
    expect(calibration).toMatchObject({ method: 'temperature', documents: 100, reference: 'teacher' });
    if (calibration.method === 'temperature') expect(calibration.temperature).toBeCloseTo(40 / Math.log(sure / (1 - sure)), 1);
    expect(calibration.explanation).toMatch(/^one temperature: vector scaling's cross-validated log-loss/);
    expect(model!.manifest.routing.certified).toBe(false);
    const stored = await folderArtifactStore(folder).open(model!.digest);
    expect(stored.manifest).toEqual(model!.manifest);
  });

  it('says in its format that two students decide, and is no model any more once one of them was struck out', async () => {
    const both: TrainStudent = async (...asked) => ({
      ...(await overconfident(...asked)),
      student: 'frozen',
      ensemble: { encoderShare: 0.3 },
    });
    const { model } = await train(assembleDataset(task.name, labels, answered(100), []), both);
    expect(model!.manifest).toMatchObject({ format: 'llambert.model.v2', student: 'frozen', ensemble: { encoderShare: 0.3 } });
    const released = join(folder, model!.digest);
    expect((await openArtifact(released)).manifest).toEqual(model!.manifest);
    const file = join(released, 'manifest.json');
    const { ensemble, ...alone } = JSON.parse(readFileSync(file, 'utf8'));
    for (const edited of [
      alone,
      { ...alone, ensemble, format: 'llambert.model.v1' },
      { ...alone, ensemble, format: 'llambert.model.v3' },
    ]) {
      writeFileSync(file, JSON.stringify(edited));
      await expect(openArtifact(released)).rejects.toMatchObject({ code: 'corrupt_artifact', message: expect.stringContaining('format') });
    }
  });

  it('is calibrated label by label where the student favours one, and then decides by that', async () => {
    // It sees the positive ones well and takes most negative ones for positive, though for less positive ones.
    const partial: TrainStudent = async (request) => {
      const logits = (positive: boolean, index: number) => (positive || index % 4 > 0 ? [positive ? 3 : 1, positive ? -3 : -1] : [-1, 1]);
      const trained = await overconfident(request, new AbortController().signal);
      return {
        ...trained,
        heldOut: {
          ...trained.heldOut,
          logits: Float32Array.from(request.rows.flatMap(({ target }, index) => logits(target[0] === 1, index))),
        },
        scoredLogits: Float32Array.from(request.score.flatMap(({ text }, index) => logits(text.endsWith('positive'), index))),
      };
    };
    const gold = Array.from({ length: 100 }, (_, index): Gold => {
      const label = labels.names[index % 2]!;
      return { task: task.name, document: aDocument({ id: `g${index}`, text: `text is ${label}` }), labels: [label], draw: 'uniform' };
    });
    const { model } = await train(assembleDataset(task.name, labels, answered(400), gold), partial);
    const { calibration, evaluations } = model!.manifest;
    expect(calibration).toMatchObject({ method: 'vector', scales: [expect.any(Number), expect.any(Number)] });
    expect(calibration.explanation).toMatch(/^vector scaling: its cross-validated log-loss/);
    // The most probable label without biases is right of 5 in 8.
    expect(evaluations.map(({ reference, accuracy }) => [reference, accuracy])).toEqual([
      ['teacher', 1],
      ['human', 1],
    ]);
    for (const { documents, reliability } of evaluations) expect(reliability!.reduce((sum, { count }) => sum + count, 0)).toBe(documents);
  });

  it('tells which labels it never saw, and of how many pairs it learned', async () => {
    const wide = { ...task, spec: { ...task.spec, labels: [...task.spec.labels, { name: 'rare', description: '' }] } };
    const paired = answered(100).map(({ sample, answer }, index) => ({
      answer,
      sample: index < 30 ? { ...sample, document: { ...sample.document, textPair: 'second' } } : sample,
    }));
    const dataset = assembleDataset(wide.name, labelSetOf(wide.spec), paired, []);
    const ports = { artifacts: folderArtifactStore(folder), train: overconfident, signal: new AbortController().signal };
    const { model } = await trainRound(wide, 1, dataset, false, ports);
    expect(model!.manifest.dataset).toMatchObject({ unseenLabels: ['rare'], textPairs: 30 });
  });

  it('names the most doubtful tenth of the labels that are likely wrong', async () => {
    const doubtful: TrainStudent = async (request, signal) => ({
      ...(await overconfident(request, signal)),
      doubts: request.rows.map((_, row) => ({ row, suggested: [1], probability: 1 - row / 1000 })),
    });
    const dataset = assembleDataset(task.name, labels, answered(95), []);
    const { evaluation } = await train(dataset, doubtful);
    const [first, ...others] = evaluation.doubted;
    const { documentId, target } = dataset.rows[0]!;
    expect(first).toEqual({ documentId, labels: [labels.names[target.indexOf(1)]], suggested: ['negative'], probability: 1 });
    expect(others).toHaveLength(9);
    expect((await train(dataset)).evaluation.doubted).toEqual([]);
  });

  it('is compared with the teacher on what the teacher said, whatever people said of it', async () => {
    const chosen = [0, 1, 2, 3].map((index): Gold => {
      const document = aDocument({ id: `d${index}`, text: `text ${index}` });
      return { task: task.name, document, labels: [labels.names[(index + 1) % 2]!], draw: 'chosen' };
    });
    const alone: Gold = { ...chosen[0]!, document: aDocument({ id: 'elsewhere' }) };
    const { model } = await train(assembleDataset(task.name, labels, answered(100), [...chosen, alone]));
    const [agreement] = model!.manifest.evaluations;
    // The student says what people say.
    expect(agreement).toMatchObject({ reference: 'teacher', documents: 100 });
    expect(model!.manifest.calibration).toMatchObject({ reference: 'teacher', documents: 100 });
    expect(agreement!.accuracy).toBeLessThan(0.9);
  });

  it('is judged by people on gold that certifies, and on nothing else', async () => {
    const gold = Array.from({ length: 400 }, (_, index): Gold => {
      const label = labels.names[index % 2]!;
      return { task: task.name, document: aDocument({ id: `g${index}`, text: `text is ${label}` }), labels: [label], draw: 'uniform' };
    });
    const certifying = gold.filter((item) => goldRole(task.name, item.document.id, 'uniform') === 'certify');
    const { model } = await train(assembleDataset(task.name, labels, answered(100), gold));
    const byPeople = model!.manifest.evaluations.find((item) => item.reference === 'human');
    expect(byPeople).toMatchObject({ on: 'certify-gold', documents: certifying.length, accuracy: 1 });
    expect(model!.manifest.dataset).toMatchObject({ trainGold: gold.length - certifying.length, certifyGold: certifying.length });
    expect(model!.manifest.routing).toMatchObject({ certified: true, reference: 'human', coverage: 1 });
  });

  it('without enough labels ends with the reason, and leaves no artifact', async () => {
    const rejected = Array.from({ length: 40 }, (_, index) => ({ sample: aDrawnSample(), answer: aRejection({ sampleId: `s${index}` }) }));
    const { model, evaluation } = await train(assembleDataset(task.name, labels, rejected, []));
    expect(model).toBeNull();
    expect(evaluation).toMatchObject({ model: null, rejections: 40, agreement: null, reason: expect.stringContaining('40 were rejected') });
    expect(await folderArtifactStore(folder).list()).toEqual([]);
  });

  it('whose training fails leaves no artifact', async () => {
    const failing: TrainStudent = async (request) => {
      writeFileSync(join(request.folder, 'half'), 'half');
      throw new Error('out of luck');
    };
    await expect(train(assembleDataset(task.name, labels, answered(100), []), failing)).rejects.toThrow('out of luck');
    expect(await folderArtifactStore(folder).list()).toEqual([]);
  });
});
