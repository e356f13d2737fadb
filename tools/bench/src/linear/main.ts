import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import type { Measurement } from './measurement.ts';

const usage = `usage: node tools/bench/src/linear/main.ts --data DIR [options]
Accuracy, speed and memory of the linear student beside scikit-learn's, each trained on the first N documents of DIR and scored on
all the others against people's labels.
  --data DIR        holds documents.jsonl.gz {id, text}, gold.jsonl.gz {id, label} and the answers file, JSON Lines
  --answers FILE    the file in DIR whose labels are learnt from (default teacher_llama2_70b.jsonl.gz)
  --sizes N,N       how many documents to train on (default 500,1000,2000,5000)
  --features F,F    among auto, words, words+chars (default words,words+chars,auto)
  --python FILE     a Python with scikit-learn (default python3)
  --json            the measurements as one JSON object`;

const knownFeatures = ['auto', 'words', 'words+chars'];

const run = promisify(execFile);

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    answers: { type: 'string', default: 'teacher_llama2_70b.jsonl.gz' },
    sizes: { type: 'string', default: '500,1000,2000,5000' },
    features: { type: 'string', default: 'words,words+chars,auto' },
    python: { type: 'string', default: 'python3' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const sizes = values.sizes.split(',').map(Number);
const features = values.features.split(',');
const sensible = sizes.every((size) => Number.isInteger(size) && size > 1) && features.every((name) => knownFeatures.includes(name));
if (values.help) console.log(usage);
else if (values.data === undefined || !sensible) {
  console.error(usage);
  process.exitCode = 2;
} else {
  await compare(values.data, values.answers).catch((error: Error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}

async function compare(folder: string, answersFile: string): Promise<void> {
  const peer = await scikitLearnVersion();
  if (peer === null) {
    console.error(`WARNING: ${values.python} cannot import scikit-learn: there is NOTHING TO COMPARE WITH. Ours only.`);
    console.error('  python3 -m venv VENV && VENV/bin/pip install scikit-learn, then --python VENV/bin/python');
  }
  const results: { size: number; measured: Measurement[] }[] = [];
  for (const size of sizes) {
    const split = [folder, answersFile, String(size)];
    const measured: Measurement[] = [];
    for (const set of features) measured.push(...(await measurements(process.execPath, 'student/main.ts', [...split, set])));
    if (peer !== null) measured.push(...(await measurements(values.python, 'scikit_learn.py', split)));
    results.push({ size, measured });
    if (!values.json) printTable(size, measured);
  }
  if (values.json) console.log(JSON.stringify({ peer, results }));
  else if (peer !== null) console.log(`Peer: scikit-learn ${peer}. Ratios are to it with TF-IDF.`);
}

async function measurements(program: string, script: string, settings: readonly string[]): Promise<Measurement[]> {
  // One thread each: the figures are per core.
  const env = { ...process.env, OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' };
  const path = join(import.meta.dirname, script);
  const { stdout } = await run(program, [path, ...settings], { env }).catch(
    ({ signal, stderr }: { signal: string | null; stderr: string }) => {
      throw new Error(`${script} ${settings.join(' ')} failed${signal === null ? '' : ` (${signal}: too little memory?)`}\n${stderr}`);
    },
  );
  return JSON.parse(stdout);
}

async function scikitLearnVersion(): Promise<string | null> {
  try {
    return (await run(values.python, ['-c', 'import sklearn; print(sklearn.__version__)'])).stdout.trim();
  } catch {
    return null;
  }
}

function printTable(size: number, measured: readonly Measurement[]): void {
  const peer = measured.find(({ name }) => name.includes('TF-IDF'));
  const { trained, scored } = measured[0]!;
  console.log(`\nN = ${size} (${trained} with a label), scored on ${scored}`);
  console.log(`${''.padEnd(46)} accuracy   training CPU s      documents / CPU s   peak MB`);
  for (const row of measured) {
    if (row.trained !== trained || row.scored !== scored) throw new Error(`${row.name} saw other documents: ${row.trained}, ${row.scored}`);
    const ratio = (own: number, other: number | undefined) => (other === undefined ? '' : `(${(own / other).toFixed(2)}x)`).padEnd(9);
    console.log(
      row.name.padEnd(46),
      `${(100 * row.accuracy).toFixed(2)} %`.padStart(8),
      row.trainCpuSeconds.toFixed(1).padStart(10),
      ratio(row.trainCpuSeconds, peer?.trainCpuSeconds),
      Math.round(row.documentsPerCpuSecond).toLocaleString('en').padStart(10),
      ratio(row.documentsPerCpuSecond, peer?.documentsPerCpuSecond),
      String(Math.round(row.peakMegabytes)).padStart(7),
    );
  }
}
