import { spawn } from 'node:child_process';
import { createReadStream, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { createGunzip } from 'node:zlib';
import { replayAnswers, startStandinTeacher } from '@llambert/tool-standin-teacher';

// The whole loop on IMDb reviews: recorded Llama-2-70b answers as the teacher, people's labels only to judge the outcome.

const root = resolve(import.meta.dirname, '../../../..');
const { values: flags } = parseArgs({
  options: {
    data: { type: 'string' },
    out: { type: 'string' },
    annotations: { type: 'string', default: '2000' },
    'with-gold': { type: 'string', default: '0' },
    student: { type: 'string', default: '{model: auto}' },
  },
});
if (flags.data === undefined) {
  process.stderr.write(
    'usage: node tools/bench/src/imdb/main.ts --data DIR [--out DIR] [--annotations 2000] [--with-gold N] [--student YAML]\n',
  );
  process.stderr.write('DIR holds documents.jsonl.gz, teacher_llama2_70b.jsonl.gz and gold.jsonl.gz, as tools/bench/README.md says.\n');
  process.exit(2);
}
const data = (name: string) => join(flags.data!, name);
const folder = flags.out === undefined ? mkdtempSync(join(tmpdir(), 'llambert-imdb-')) : resolve(flags.out);
/** scikit-learn's TF-IDF (1-2-grams) and logistic regression on the same answers, by annotations: see tools/bench/README.md. */
const scikitLearn: Readonly<Record<string, string>> = {
  500: '81.0 %',
  1000: '83.5 %',
  2000: '85.7 % (86.2 % with C cross-validated)',
  5000: '88.2 %',
  10000: '89.2 %',
};

try {
  const peopleSay = await labelsOf(data('gold.jsonl.gz'));
  const teacherSays = await labelsOf(data('teacher_llama2_70b.jsonl.gz'));
  mkdirSync(folder, { recursive: true });
  const goldFile = writeGold(peopleSay, Number(flags['with-gold']));
  const teacher = await startStandinTeacher({
    annotator: await replayAnswers({ documents: data('documents.jsonl.gz'), answers: data('teacher_llama2_70b.jsonl.gz') }),
  });
  const out = join(folder, 'run');
  let used: { peakMb: number; seconds: number };
  try {
    writeTask(teacher.baseUrl, goldFile);
    used = await llambert(['run', join(folder, 'task.yaml'), '--input', data('documents.jsonl.gz'), '--out', out]);
  } finally {
    await teacher.close();
  }
  await report(out, peopleSay, teacherSays, used);
} finally {
  if (flags.out === undefined) rmSync(folder, { recursive: true, force: true });
}

function writeTask(baseUrl: string, goldFile: string | null): void {
  writeFileSync(
    join(folder, 'task.yaml'),
    `task: film-reviews
description: Does the writer recommend the film on the whole?
labels: {positive: recommends it, negative: does not}
teacher: {model: llama-2-70b-chat, baseUrl: ${baseUrl}, price: {input: 0.70, output: 0.90}}
budget: {usd: 50, annotations: ${flags.annotations}}
student: ${flags.student}
${goldFile === null ? '' : `gold: ${goldFile}\n`}`,
  );
}

/** People's labels for every n-th document, as a uniform draw; null: none were asked for. */
function writeGold(peopleSay: ReadonlyMap<string, string>, count: number): string | null {
  if (count === 0) return null;
  const file = join(folder, 'gold.jsonl');
  const step = Math.max(1, Math.floor(peopleSay.size / count));
  const lines = [...peopleSay].filter((_, index) => index % step === 0).slice(0, count);
  writeFileSync(file, lines.map(([id, label]) => `${JSON.stringify({ id, label, sampled: 'uniform' })}\n`).join(''));
  return file;
}

async function report(
  out: string,
  peopleSay: ReadonlyMap<string, string>,
  teacherSays: ReadonlyMap<string, string>,
  used: { peakMb: number; seconds: number },
): Promise<void> {
  const summary = JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8'));
  const asked = new Set<string>();
  let teacherRight = 0;
  let annotated = 0;
  for await (const row of rowsOf(join(out, 'annotations.jsonl'))) {
    asked.add(row.id);
    if (row.labels === undefined) continue;
    annotated += 1;
    if (row.labels[0] === peopleSay.get(row.id)) teacherRight += 1;
  }
  const unseen = { documents: 0, right: 0, agreeing: 0, auto: 0, autoWrong: 0, autoAgainstTeacher: 0 };
  for await (const row of rowsOf(join(out, 'labels.jsonl'))) {
    if (asked.has(row.id)) continue;
    unseen.documents += 1;
    if (row.label === peopleSay.get(row.id)) unseen.right += 1;
    if (row.label === teacherSays.get(row.id)) unseen.agreeing += 1;
    if (row.route !== 'auto') continue;
    unseen.auto += 1;
    if (row.label !== peopleSay.get(row.id)) unseen.autoWrong += 1;
    if (row.label !== teacherSays.get(row.id)) unseen.autoAgainstTeacher += 1;
  }
  const { routing } = summary.model;
  const lines: [string, string][] = [
    ['documents labelled', `${summary.documents.labelled} of ${summary.documents.read}`],
    ['annotations', `${annotated}, ${summary.annotations.rejected} rejected`],
    ["teacher's labels right, against people", percent(teacherRight, annotated)],
    ['student right, against people, on documents the teacher never saw', percent(unseen.right, unseen.documents)],
    ['  scikit-learn TF-IDF + logistic regression, same number of annotations', scikitLearn[flags.annotations] ?? 'not measured'],
    ['student agrees with the teacher, on the same documents', percent(unseen.agreeing, unseen.documents)],
    [
      'threshold',
      `${routing.threshold?.toFixed(4) ?? 'none'}, ${routing.certified ? 'certified' : 'uncertified'}, target error ${100 * routing.targetError} %`,
    ],
    ['coverage (auto)', percent(unseen.auto, unseen.documents)],
    ['  error of auto, against people', percent(unseen.autoWrong, unseen.auto)],
    ['  error of auto, against the teacher', percent(unseen.autoAgainstTeacher, unseen.auto)],
    [
      'cost at the configured prices',
      `$${summary.cost.usd.toFixed(4)}; the teacher on every document about $${summary.cost.teacherOnAllUsd.toFixed(2)}`,
    ],
    ['documents a second while labelling', `${Math.round(summary.documentsPerSecond)}`],
    [
      'wall time',
      `${used.seconds.toFixed(1)} s (reading ${summary.seconds.reading.toFixed(1)}, learning ${summary.seconds.learning.toFixed(1)}, labelling ${summary.seconds.labelling.toFixed(1)})`,
    ],
    ['peak memory', `${used.peakMb.toFixed(0)} MB`],
  ];
  for (const [name, value] of lines) process.stdout.write(`${name.padEnd(74)} ${value}\n`);
}

/** Runs the command line with its output on this terminal; resolves with what it took. */
async function llambert(args: readonly string[]): Promise<{ peakMb: number; seconds: number }> {
  const begun = Date.now();
  const child = spawn(process.execPath, [join(root, 'apps/cli/src/main.ts'), ...args], { stdio: ['ignore', 2, 2] });
  let peakKb = 0;
  const status = `/proc/${child.pid}/status`;
  const watch = setInterval(() => {
    // The kernel's own high-water mark; elsewhere than on Linux there is none to read.
    if (existsSync(status)) peakKb = Math.max(peakKb, Number(/VmHWM:\s+(\d+)/.exec(readFileSync(status, 'utf8'))?.[1] ?? 0));
  }, 200);
  const code = await new Promise<number | null>((done) => child.on('close', done));
  clearInterval(watch);
  if (code !== 0) process.exit(code ?? 1);
  return { peakMb: peakKb / 1024, seconds: (Date.now() - begun) / 1000 };
}

async function labelsOf(file: string): Promise<Map<string, string>> {
  const labels = new Map<string, string>();
  for await (const row of rowsOf(file)) if (row.label !== null) labels.set(row.id, row.label);
  return labels;
}

// biome-ignore lint/suspicious/noExplicitAny: rows of several files, each looked at for a field or two
async function* rowsOf(file: string): AsyncIterable<any> {
  const bytes = createReadStream(file);
  for await (const line of createInterface({ input: file.endsWith('.gz') ? bytes.pipe(createGunzip()) : bytes })) yield JSON.parse(line);
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '–' : `${((100 * part) / whole).toFixed(2)} % (${part} of ${whole})`;
}
