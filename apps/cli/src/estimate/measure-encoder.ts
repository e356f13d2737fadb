import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Document, drawnAfter, type StudentKind, type Task } from '@llambert/domain';
import { loadClassifier } from '@llambert/student';
import { kindsOf, trainInWorker } from '@llambert/training';
import type { FetchEncoder } from '../run/fetch-encoder.ts';
import type { StudentSpeed } from './measure-student.ts';

/** Texts that are trained on to see how fast it goes, and then labelled. */
const measuredTexts = 80;

/**
 * Measures the encoder students that a task may train, each by a short training on documents of the input with made-up labels. The time is
 * stated for all epochs over the last round's texts, in proportion, and for all rounds together. Nothing where the task names no encoder, or there
 * are too few documents to tell.
 */
export async function measureEncoders(
  documents: readonly Document[],
  task: Task,
  fetchEncoder: FetchEncoder,
  signal: AbortSignal,
): Promise<StudentSpeed[]> {
  const { model, encoder } = task.settings.student;
  const texts = documents.slice(0, measuredTexts);
  if (model === 'linear' || encoder === null || texts.length < 20) return [];
  const speeds: StudentSpeed[] = [];
  for (const kind of model === 'auto' ? kindsOf(task.settings.student) : [model]) {
    if (kind !== 'linear') speeds.push(await measure(kind, texts, task, fetchEncoder, signal));
  }
  return speeds;
}

async function measure(
  kind: Exclude<StudentKind, 'linear'>,
  texts: readonly Document[],
  task: Task,
  fetchEncoder: FetchEncoder,
  signal: AbortSignal,
): Promise<StudentSpeed> {
  const { student, budget, sampling } = task.settings;
  const folder = await mkdtemp(join(tmpdir(), 'llambert-estimate-'));
  try {
    const labels = { kind: 'single', names: ['even', 'odd'] } as const;
    const rows = texts.map(({ id, text, textPair }, row) => ({
      documentId: id,
      text,
      ...(textPair === undefined ? {} : { textPair }),
      target: row % 2 === 0 ? [1, 0] : [0, 1],
      weight: 1,
      fold: row % 5,
      labelledBy: 'teacher' as const,
    }));
    const marks: { at: number; done: number }[] = [];
    const place = { fetchEncoder, stateFolder: join(folder, 'state'), threads: availableParallelism() };
    const train = trainInWorker(place, ({ step, done }) => {
      if (step === `${kind} student`) marks.push({ at: performance.now(), done });
    });
    const settings = {
      ...student,
      model: kind,
      likelyWrong: 'keep',
      ensemble: false,
      pseudoLabels: null,
      fineTuning: { ...student.fineTuning, epochs: 1, goldStage: null },
    } as const;
    const model = join(folder, 'model');
    await mkdir(model);
    await train({ rows, unlabelled: [], labels, settings, score: [], folder: model }, signal);
    const [first, last] = [marks[0]!, marks.at(-1)!];
    const learned = kind === 'frozen' ? texts.length : Math.floor((texts.length * 4) / 5);
    const secondsPerText = (last.at - first.at) / 1000 / (last.done - first.done) / learned;
    const epochs = kind === 'frozen' ? 1 : student.fineTuning.epochs;

    const calibration = { method: 'temperature', temperature: 1, documents: 0, reference: 'teacher' } as const;
    const classifier = await loadClassifier(model, { student: kind, labels, calibration });
    const begun = performance.now();
    await classifier.classify(texts);
    const labelling = (performance.now() - begun) / 1000;
    await classifier.close();
    const unlabelled = student.ensemble ? 0 : (student.pseudoLabels?.documents ?? 0);
    const textsAfter = Array.from(
      { length: sampling.rounds },
      (_, round) => drawnAfter(round + 1, budget.annotations, sampling.rounds) + unlabelled,
    );
    const lastTexts = textsAfter.at(-1)!;
    return {
      student: `${kind} ${student.encoder}`,
      documentsPerSecond: texts.length / labelling,
      trainingSeconds: secondsPerText * epochs * lastTexts,
      trainedOn: lastTexts,
      allRoundsSeconds: secondsPerText * epochs * textsAfter.reduce((sum, count) => sum + count, 0),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
