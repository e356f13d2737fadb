import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decide, hardDistribution, type LabelSet } from '@llambert/domain';
import { type FeatureSet, type LinearModel, loadClassifier, trainLinear } from '@llambert/student';
import type { Measurement } from '../measurement.ts';
import { readSplit } from './labelled-documents.ts';

/** Documents handed over at once, as a worker of inference would. */
const batch = 256;

// node student/main.ts FOLDER ANSWERS_FILE SIZE FEATURES: prints a JSON list of one measurement, as scikit_learn.py does. A process of
// its own, so that its peak memory is its own.
const [folder, answersFile, size, features] = process.argv.slice(2);
process.stdout.write(JSON.stringify([await measure(folder!, answersFile!, Number(size), features as FeatureSet | 'auto')]));

/** Trains the linear student on the first `size` documents, loads it anew from its files, and scores the others. */
async function measure(folder: string, answersFile: string, size: number, features: FeatureSet | 'auto'): Promise<Measurement> {
  const { labels: names, train, test } = await readSplit(folder, answersFile, size);
  const labels: LabelSet = { kind: 'single', names };
  const rows = train.map(({ text, label }, index) => ({
    text,
    target: hardDistribution(labels, [names.indexOf(label)]),
    weight: 1,
    fold: index % 5,
  }));
  let start = process.cpuUsage();
  const { model, crossValidation } = await trainLinear({ rows, labels, settings: { features, classWeights: 'none' } });
  const trainCpuSeconds = cpuSecondsSince(start);
  const peakMegabytes = process.resourceUsage().maxRSS / 1024;

  const classifier = await reloaded(model, labels);
  // The first documents warm the compiler up and do not count.
  for (let first = 0; first < Math.min(2000, test.length); first += batch) await classifier.classify(test.slice(first, first + batch));
  let right = 0;
  start = process.cpuUsage();
  for (let first = 0; first < test.length; first += batch) {
    const documents = test.slice(first, first + batch);
    const { probabilities } = await classifier.classify(documents);
    for (const [row, { label }] of documents.entries()) {
      const decided = decide(labels, probabilities.subarray(row * names.length, (row + 1) * names.length));
      if (names[decided[0]!] === label) right++;
    }
  }
  return {
    name: `linear student, ${crossValidation.chosen.features}${features === 'auto' ? ' (auto)' : ''}`,
    trained: train.length,
    scored: test.length,
    accuracy: right / test.length,
    trainCpuSeconds,
    documentsPerCpuSecond: test.length / cpuSecondsSince(start),
    peakMegabytes,
  };
}

async function reloaded(model: LinearModel, labels: LabelSet) {
  const folder = await mkdtemp(join(tmpdir(), 'llambert-bench-'));
  try {
    await model.save(folder);
    const calibration = { method: 'temperature', temperature: 1, documents: 0, reference: 'teacher' } as const;
    return await loadClassifier(folder, { student: 'linear', labels, calibration });
  } finally {
    await rm(folder, { recursive: true });
  }
}

function cpuSecondsSince(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e6;
}
