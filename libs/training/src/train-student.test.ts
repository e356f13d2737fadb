import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LabelSet } from '@llambert/domain';
import { encoderFromScratch, loadClassifier, releaseEncoder } from '@llambert/student';
import { aTask } from '@llambert/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DatasetRow } from './dataset.ts';
import { asReleased } from './students.ts';
import { type TrainingPlace, type TrainingProgress, type TrainRequest, trainInWorker } from './train-student.ts';

const labels: LabelSet = { kind: 'single', names: ['late', 'paid'] };

function rows(count: number): DatasetRow[] {
  return Array.from({ length: count }, (_, index) => ({
    documentId: `d${index}`,
    text: index % 2 === 0 ? `the parcel ${index} came too late` : `my bill ${index} was paid twice`,
    target: index % 2 === 0 ? [1, 0] : [0, 1],
    weight: 1,
    fold: index % 5,
    labelledBy: 'teacher',
  }));
}

const place: TrainingPlace = {
  fetchEncoder: async () => {
    throw new Error('no encoder is wanted here');
  },
  stateFolder: tmpdir(),
  threads: 1,
};

/** A small encoder that has learned nothing, in the layout of a Hugging Face checkpoint. */
async function saveFresh(folder: string): Promise<void> {
  const { config, readWeights, tokenizerJson } = encoderFromScratch(
    rows(60).map(({ text }) => text),
    1,
  );
  const head = [['classifier.weight', new Float32Array(2 * config.hiddenSize)] as const, ['classifier.bias', new Float32Array(2)] as const];
  const form = { config, pooling: 'mean', pairs: false, maxTokens: 32, truncation: 'head' } as const;
  const encoder = { ...form, weights: new Map([...(await readWeights()), ...head]), tokenizerJson };
  await releaseEncoder(folder, encoder, {
    part: 'training',
    float32Logits: null,
    calibrationOf: async () => ({ method: 'temperature', temperature: 1 }),
    documents: rows(2),
    targets: rows(2).map(({ target }) => target),
    labels,
  });
}

describe('training in a worker', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'llambert-training-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const request = (changes: Partial<TrainRequest> = {}): TrainRequest => ({
    rows: rows(60),
    unlabelled: [],
    labels,
    settings: aTask().settings.student,
    score: [{ text: 'it came late' }, { text: 'paid, and paid again' }],
    folder,
    ...changes,
  });

  it('writes the student and scores held-out rows and documents outside', async () => {
    const seen: TrainingProgress[] = [];
    const trained = await trainInWorker(place, (progress) => seen.push(progress))(request(), new AbortController().signal);
    expect(trained.student).toBe('linear');
    expect(readdirSync(folder)).not.toEqual([]);
    const { logits, ...heldOut } = trained.heldOut;
    expect(heldOut).toEqual({ rows: Array.from({ length: 60 }, (_, row) => row), on: 'out-of-fold', learnedAfter: true });
    expect(logits).toHaveLength(120);
    const decided = Array.from({ length: 60 }, (_, row) => (logits[2 * row]! > logits[2 * row + 1]! ? 0 : 1));
    expect(decided).toEqual(rows(60).map((_, index) => index % 2));
    expect(trained.scoredLogits[0]!).toBeGreaterThan(trained.scoredLogits[1]!);
    expect(trained.scoredLogits[2]!).toBeLessThan(trained.scoredLogits[3]!);
    expect(seen.at(-1)?.done).toBe(1);
  });

  it.each([
    ['keep', undefined],
    ['drop', [7]],
    ['ask-teacher', [7]],
    ['ask-person', [7]],
  ] as const)('names the labels that are likely wrong (%s)', async (likelyWrong, doubted) => {
    const wrong = rows(60).map((row, index) => (index === 7 ? { ...row, target: [1, 0] } : row));
    const settings = { ...aTask().settings.student, likelyWrong };
    const trained = await trainInWorker(place, () => undefined)(request({ rows: wrong, settings }), new AbortController().signal);
    expect(trained.doubts?.map(({ row }) => row)).toEqual(doubted);
    expect(trained.training['doubted']).toBe(doubted?.length);
  });

  it('leaves a checkpoint as it is and fits a head to it, in a form that labels', async () => {
    const checkpoint = join(folder, 'checkpoint');
    const student = join(folder, 'student');
    for (const each of [checkpoint, student]) mkdirSync(each);
    await saveFresh(checkpoint);
    const settings = { ...aTask().settings.student, model: 'frozen' as const, encoder: './checkpoint', ensemble: false };
    const asked: unknown[] = [];
    const fetchEncoder: TrainingPlace['fetchEncoder'] = async (source) => {
      asked.push(source);
      return { folder: checkpoint, name: './checkpoint' };
    };
    const seen: TrainingProgress[] = [];
    const train = trainInWorker({ ...place, fetchEncoder }, (progress) => seen.push(progress));
    const score = request().score;
    const trained = await train(request({ settings, folder: student }), new AbortController().signal);
    expect(asked).toEqual([{ kind: 'folder', path: './checkpoint' }]);
    expect(trained).toMatchObject({ student: 'frozen', baseModel: { name: './checkpoint', licence: null } });
    const { logits, ...heldOut } = trained.heldOut;
    expect(heldOut).toEqual({ rows: Array.from({ length: 60 }, (_, row) => row), on: 'out-of-fold', learnedAfter: true });
    const decided = Array.from({ length: 60 }, (_, row) => (logits[2 * row]! > logits[2 * row + 1]! ? 0 : 1));
    expect(decided).toEqual(rows(60).map((_, index) => index % 2));
    expect(seen.some(({ detail }) => /^60 of 60 texts read, \d+ texts\/s, \d+ s left$/.test(detail))).toBe(true);
    expect(seen.at(-1)?.done).toBe(1);

    const calibration = { method: 'temperature', temperature: 1, documents: 60, reference: 'teacher' } as const;
    const classifier = await loadClassifier(student, { student: 'frozen', labels, calibration });
    const { probabilities } = await classifier.classify(score);
    for (const [at, own] of probabilities.entries()) {
      const [here, there] = [trained.scoredLogits[at]!, trained.scoredLogits[at ^ 1]!];
      expect(own).toBeCloseTo(1 / (1 + Math.exp(there - here)), 4);
    }
  });

  it('learns from unlabelled documents too, and of the held-out fold hears nothing, not even by their pseudo-labels', async () => {
    const unlabelled = Array.from({ length: 80 }, (_, index) => ({
      text: index % 2 === 0 ? `a parcel ${index} that came too late, and torn` : `a bill ${index} that was paid twice, by card`,
    }));
    const settings = { ...aTask().settings.student, pseudoLabels: { documents: 100, confidence: 0.7 } };
    const flipped = rows(120).map((row) => (row.fold === 0 ? { ...row, target: row.target.toReversed() } : row));
    const [trained, other] = await Promise.all(
      [rows(120), flipped].map(async (own, at) => {
        const into = join(folder, String(at));
        mkdirSync(into);
        return trainInWorker(place, () => undefined)(
          request({ rows: own, unlabelled, settings, folder: into }),
          new AbortController().signal,
        );
      }),
    );
    const { logits, ...heldOut } = trained!.heldOut;
    expect(heldOut).toEqual({ rows: Array.from({ length: 24 }, (_, at) => 5 * at), on: 'held-out', learnedAfter: true });
    expect(other!.heldOut.logits).toEqual(logits);
    expect(trained!.training).toMatchObject({ unlabelled: 80, pseudoLabelConfidence: 0.7 });
    expect(trained!.training['pseudoLabelled']).toBeGreaterThan(40);
    expect(trained!.training).not.toHaveProperty('accuracy');

    // Words that only unlabelled documents have are known.
    const calibration = { method: 'temperature', temperature: 1, documents: 60, reference: 'teacher' } as const;
    const classifier = await loadClassifier(join(folder, '0'), { student: 'linear', labels, calibration });
    const { probabilities } = await classifier.classify([{ text: 'torn' }, { text: 'card' }]);
    expect(probabilities[0]).toBeGreaterThan(0.5);
    expect(probabilities[3]).toBeGreaterThan(0.5);
  });

  it('learns from no unlabelled documents where too few labels would be left to judge by', async () => {
    const settings = { ...aTask().settings.student, pseudoLabels: { documents: 100, confidence: 0.7 } };
    const asked = request({ rows: rows(60), unlabelled: rows(160).slice(60), settings });
    const { heldOut, training } = await trainInWorker(place, () => undefined)(asked, new AbortController().signal);
    expect(heldOut.rows).toHaveLength(60);
    expect(training).toMatchObject({ unlabelled: 100, pseudoLabelled: 0 });
  });

  it.each(['frozen', 'fine-tuned'] as const)(
    'teaches pseudo-labels to a %s encoder as well, and holds the first fold out',
    async (model) => {
      const checkpoint = join(folder, 'checkpoint');
      const student = join(folder, 'student');
      for (const each of [checkpoint, student]) mkdirSync(each);
      await saveFresh(checkpoint);
      const fetchEncoder = async () => ({ folder: checkpoint, name: './checkpoint' });
      const unlabelled = rows(220).slice(120);
      const { fineTuning, ...rest } = aTask().settings.student;
      const settings = {
        ...rest,
        model,
        encoder: './checkpoint',
        ensemble: false,
        maxTokens: 16,
        pseudoLabels: { documents: 100, confidence: 0.7 },
        fineTuning: { ...fineTuning, epochs: 1 },
      };
      const train = trainInWorker({ ...place, stateFolder: join(folder, 'state'), fetchEncoder }, () => undefined);
      const { heldOut, training } = await train(
        request({ rows: rows(120), settings, unlabelled, folder: student }),
        new AbortController().signal,
      );
      expect(heldOut).toMatchObject({ rows: Array.from({ length: 24 }, (_, at) => 5 * at), on: 'held-out', learnedAfter: false });
      expect(heldOut.logits).toHaveLength(48);
      expect(training['pseudoLabelled']).toBeGreaterThan(50);
      if (model === 'fine-tuned') expect(training['texts']).toBe(96 + Number(training['pseudoLabelled']));
    },
  );

  it.each(['frozen', 'fine-tuned'] as const)('puts a linear student beside a %s encoder, in a form that labels', async (model) => {
    const checkpoint = join(folder, 'checkpoint');
    const student = join(folder, 'student');
    for (const each of [checkpoint, student]) mkdirSync(each);
    await saveFresh(checkpoint);
    const fetchEncoder = async () => ({ folder: checkpoint, name: './checkpoint' });
    const { fineTuning, ...rest } = aTask().settings.student;
    const settings = {
      ...rest,
      model,
      encoder: './checkpoint',
      maxTokens: 16,
      pseudoLabels: { documents: 100, confidence: 0.7 },
      fineTuning: { ...fineTuning, epochs: 1 },
    };
    const steps = new Set<string>();
    const train = trainInWorker({ ...place, stateFolder: join(folder, 'state'), fetchEncoder }, ({ step }) => steps.add(step));
    const asked = request({ rows: rows(120), settings, unlabelled: rows(220).slice(120), folder: student });
    const trained = await train(asked, new AbortController().signal);
    const { encoderShare } = trained.ensemble!;
    expect(encoderShare).toBeGreaterThanOrEqual(0);
    expect(encoderShare).toBeLessThanOrEqual(1);
    // Only the rows that neither learned from: the linear one's fold.
    const { logits, ...heldOut } = trained.heldOut;
    expect(heldOut).toEqual({ rows: Array.from({ length: 24 }, (_, at) => 5 * at), on: 'held-out', learnedAfter: true });
    expect(logits).toHaveLength(48);
    // What takes long comes last, so that its state is there to go on from for as long as anything is left to do.
    expect([...steps].slice(0, 3)).toEqual(['looking for sure labels', 'linear student', `${model} student`]);
    // The encoder learns from labelled rows only.
    expect(trained.training.pseudoLabelled).toBeGreaterThan(50);
    if (model === 'fine-tuned') expect(trained.training['texts']).toBe(96);
    expect(trained.training).toHaveProperty(['linear student: strength']);

    const calibration = { method: 'temperature', temperature: 1, documents: 24, reference: 'teacher' } as const;
    const classifier = await loadClassifier(student, { student: model, ensemble: { encoderShare }, labels, calibration });
    const { probabilities } = await classifier.classify(asked.score);
    await classifier.close();
    for (const [at, own] of probabilities.entries()) {
      const [here, there] = [trained.scoredLogits[at]!, trained.scoredLogits[at ^ 1]!];
      expect(own).toBeCloseTo(1 / (1 + Math.exp(there - here)), 4);
    }
  });

  it('tries an encoder with the linear student beside it, which is trained once, and leaves the files of whoever won', async () => {
    const { fineTuning, ...rest } = aTask().settings.student;
    const settings = { ...rest, model: 'auto' as const, encoder: 'scratch:small', maxTokens: 16, fineTuning: { ...fineTuning, epochs: 1 } };
    const steps: string[] = [];
    const train = trainInWorker({ ...place, stateFolder: join(folder, 'state') }, ({ step }) => steps.at(-1) === step || steps.push(step));
    const student = join(folder, 'student');
    mkdirSync(student);
    const trained = await train(request({ rows: rows(120), settings, folder: student }), new AbortController().signal);
    expect(steps.filter((step) => step === 'linear student')).toHaveLength(1);
    expect(trained.training['students']).toMatch(/^linear: .* of 24 held-out labels.*; fine-tuned and linear: .* of 24 held-out labels/);
    const files = readdirSync(student);
    expect(files).toContain('linear.safetensors');
    expect(files).not.toContain('linear');
    expect(files.includes('model.safetensors')).toBe(trained.student === 'fine-tuned');
    expect(trained.ensemble !== undefined).toBe(trained.student === 'fine-tuned');
  });

  it('says what is wrong with rows that nothing can be learned from', async () => {
    await expect(trainInWorker(place, () => undefined)(request({ rows: [] }), new AbortController().signal)).rejects.toMatchObject({
      code: 'invalid_input',
      facts: { documents: 0 },
    });
  });

  it('ends when it is stopped', async () => {
    const stopping = new AbortController();
    const training = trainInWorker(place, () => stopping.abort())(request({ rows: rows(2000) }), stopping.signal);
    await expect(training).rejects.toMatchObject({ code: 'cancelled' });
    await expect(trainInWorker(place, () => undefined)(request(), stopping.signal)).rejects.toMatchObject({ code: 'cancelled' });
  });
});

describe('out-of-fold logits as the released precision has them', () => {
  it('are those of the heads that did not learn from the rows, on the vectors that integers make', () => {
    // Vectors of 3 numbers, moved a little by integers; a released head, and another that did not learn from the rows and differs a little.
    const vectors = [1, -2, 0.5, 3, 0, -1];
    const moved = [1.1, -2, 0.4, 2.9, -0.1, -1];
    const [head, other] = [
      [0.5, 1, -1],
      [0.55, 0.9, -1.05],
    ];
    const logits = (of: number[], by: number[]) =>
      Float32Array.from([0, 3], (at) => by.reduce((sum, weight, place) => sum + weight * of[at + place]!, 0));
    const found = asReleased(logits(vectors, other), logits(vectors, head), logits(moved, head));
    const wanted = logits(moved, other);
    const untouched = logits(vectors, other);
    for (const [row, logit] of found.entries())
      expect(Math.abs(logit - wanted[row]!)).toBeLessThan(Math.abs(untouched[row]! - wanted[row]!) / 5);
  });
});
