import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parseTaskYaml } from '@llambert/contracts';
import { LlambertError, type StudentSettings } from '@llambert/domain';
import { type FetchedEncoder, type TrainingPlace, trainInWorker } from '@llambert/training';
import { type LabelledDocument, readLabelledData, readTexts } from '../labelled-data.ts';
import { compareCalibrations } from './calibration.ts';
import { split } from './split.ts';

const usage = `usage: node tools/bench/src/students/main.ts --data DIR --student YAML [options]
How right a student is against people on documents that no training saw, over several draws of labelled documents; and how far its probabilities can
be taken at their word, by one temperature and by vector scaling.
  --data DIR        holds documents.jsonl.gz {id, text}, gold.jsonl.gz {id, label} and the answers file, JSON Lines
  --student YAML    the "student" part of a task.yaml, for example '{model: ./MiniLM, fineTuning: {epochs: 5}}'
  --answers FILE    the file in DIR whose labels are learnt from (default teacher_llama2_70b.jsonl.gz)
  --unlabelled FILE more documents for pseudo-labels, {text} lines, gzip-compressed; without it, those of DIR that are left
  --size N          how many documents to train on (default 500)
  --seeds N,N       each draws other documents and trains with another seed (default 1,2,3,4,5)
  --test            score on the test part, to be opened once, when all is chosen; without it, on dev
  --threads N       to train with (default 1)`;

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    student: { type: 'string' },
    answers: { type: 'string', default: 'teacher_llama2_70b.jsonl.gz' },
    unlabelled: { type: 'string' },
    size: { type: 'string', default: '500' },
    seeds: { type: 'string', default: '1,2,3,4,5' },
    test: { type: 'boolean', default: false },
    threads: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) console.log(usage);
else if (values.data === undefined || values.student === undefined) {
  console.error(usage);
  process.exitCode = 2;
} else {
  const student = studentOf(values.student);
  const documents = await readLabelledData(values.data, values.answers);
  const others = values.unlabelled === undefined ? [] : await readTexts(values.unlabelled);
  const accuracies: number[] = [];
  for (const seed of values.seeds.split(',').map(Number)) {
    const measured = await measure(documents, others, { ...student, seed });
    accuracies.push(measured.accuracy);
    console.log(JSON.stringify({ size: Number(values.size), part: values.test ? 'test' : 'dev', seed, ...measured }));
  }
  if (accuracies.length > 1) console.log(`accuracy ${interval(accuracies)}`);
}

function studentOf(yaml: string): StudentSettings {
  const text = `task: bench\ndescription: none\nlabels: [a, b]\nteacher: {model: none, baseUrl: 'http://localhost/v1'}\nstudent: ${yaml}\n`;
  return parseTaskYaml(text, { fileName: '--student' }).task.settings.student;
}

/** Trains one student and scores it. */
async function measure(documents: readonly LabelledDocument[], others: readonly { readonly text: string }[], settings: StudentSettings) {
  const { labels, rows, unlabelled, scored } = split(documents, Number(values.size), settings.seed, values.test ? 'test' : 'dev');
  const folder = await mkdtemp(join(tmpdir(), 'llambert-bench-'));
  const stateFolder = join(folder, 'state');
  try {
    const before = process.cpuUsage();
    const train = trainInWorker({ fetchEncoder, stateFolder, threads: Number(values.threads) }, ({ step, done, detail }) => {
      if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${step} ${(100 * done).toFixed(0)} % ${detail}`);
    });
    const trained = await train(
      {
        rows,
        unlabelled: [...unlabelled, ...others].slice(0, settings.pseudoLabels?.documents ?? 0),
        labels,
        settings,
        score: scored,
        folder,
      },
      new AbortController().signal,
    );
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
    const { user, system } = process.cpuUsage(before);
    const calibration = await compareCalibrations(labels, settings, rows, trained, scored);
    return {
      student: trained.student,
      // As its model would decide.
      accuracy: calibration.people![calibration.released].accuracy,
      calibration,
      scored: scored.length,
      cpuSeconds: Math.round((user + system) / 1e6),
      training: trained.training,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function fetchEncoder(source: Parameters<TrainingPlace['fetchEncoder']>[0]): Promise<FetchedEncoder> {
  if (source.kind !== 'folder') throw new LlambertError('invalid_input', 'the bench reads encoders from folders');
  return { folder: source.path, name: source.path };
}

/** Mean and 95 % interval over draws, by Student's t. */
function interval(numbers: readonly number[]): string {
  const mean = numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  const variance = numbers.reduce((sum, number) => sum + (number - mean) ** 2, 0) / (numbers.length - 1);
  const t = [Number.NaN, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262][numbers.length - 1];
  if (t === undefined) throw new RangeError('at most ten seeds');
  const half = t * Math.sqrt(variance / numbers.length);
  return `${(100 * mean).toFixed(2)} % ± ${(100 * half).toFixed(2)} (95 %, ${numbers.length} draws)`;
}
