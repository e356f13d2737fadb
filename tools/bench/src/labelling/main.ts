import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { readJsonLines } from '../json-lines.ts';
import { agreement } from './agreement.ts';
import { type Pooling, type Precision, releaseClassifier } from './classifier.ts';
import { documentsPerCpuSecond, type Measurement, together } from './measurement.ts';
import { transformersJsVersion } from './peer/transformers-js.ts';
import { type Program, startProgram } from './program.ts';

const usage = `usage: node tools/bench/src/labelling/main.ts --documents FILE --encoder DIR [options]
Documents per CPU-second of a released encoder, from strings to labels in one thread, beside transformers.js with the same weights.
  --documents FILE  {id, text} a line, JSON Lines, may be gzipped
  --encoder DIR     a Hugging Face checkpoint with tokenizer_config.json
  --packages DIR    a folder in which npm installed @huggingface/transformers
  --python FILE     a Python with torch, transformers, onnx and onnxruntime, which exports for it (default python3)
  --texts N         the first N documents (default 200)
  --tokens N        of a text at most (default 256)
  --at-once N       texts that are handed over at once (default 20; short ones are faster by the hundred)
  --json            the measurements as one JSON object`;

/** What logits may differ by in float32 where two programs compute the same. */
const tolerance = 1e-3;
const poolings: readonly Pooling[] = ['mean', 'first'];
const base = 'transformers.js, fp32';

const run = promisify(execFile);
const { values } = parseArgs({
  options: {
    documents: { type: 'string' },
    encoder: { type: 'string' },
    packages: { type: 'string' },
    python: { type: 'string', default: 'python3' },
    texts: { type: 'string', default: '200' },
    tokens: { type: 'string', default: '256' },
    'at-once': { type: 'string', default: '20' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const sensible = [values.texts, values.tokens, values['at-once']].every((number) => /^[1-9]\d*$/.test(number));
if (values.help) console.log(usage);
else if (values.documents === undefined || values.encoder === undefined || !sensible) {
  console.error(usage);
  process.exitCode = 2;
} else {
  const root = await mkdtemp(join(tmpdir(), 'llambert-labelling-'));
  try {
    await compare(root, values.documents, values.encoder);
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  } finally {
    await rm(root, { recursive: true });
  }
}

/** How to start a program: name, script, arguments. */
type Start = readonly [name: string, script: string, args: readonly string[]];

interface Row {
  readonly name: string;
  readonly documentsPerCpuSecond: number;
  /** Times as fast as transformers.js in float32; null: it is not there. */
  readonly ratio: number | null;
  /** Difference of log-odds to ours in float32, as a share of their spread. */
  readonly off: number;
}

async function compare(root: string, documents: string, checkpoint: string): Promise<void> {
  const texts = (await readJsonLines<{ readonly text: string }>(documents)).slice(0, Number(values.texts)).map(({ text }) => text);
  const peer = await peerVersion();
  const results: { pooling: Pooling; table: Row[] }[] = [];
  for (const pooling of poolings) {
    const found = await measure(await prepare(join(root, pooling), checkpoint, pooling, peer !== null), texts);
    const [reference, beside] = [found.get('ours, fp32')!, found.get(base)];
    if (beside !== undefined) checkThatFloatsAgree(pooling, beside, reference);
    const table = [...found].map(([name, own]) => ({
      name,
      documentsPerCpuSecond: documentsPerCpuSecond(own),
      ratio: beside === undefined ? null : beside.cpuSeconds / own.cpuSeconds,
      off: agreement(own.logOdds, reference.logOdds).relative,
    }));
    results.push({ pooling, table });
    if (!values.json) print(pooling, table);
  }
  if (values.json) console.log(JSON.stringify({ ...values, peer, results }));
  else if (peer !== null) console.log(`\nPeer: transformers.js ${peer}, one text at a time.`);
}

/** Every program labels the same few texts before any goes on to the next: so each meets the machine in about the same state. */
async function measure(starts: readonly Start[], texts: readonly string[]): Promise<Map<string, Measurement>> {
  const programs: Program[] = [];
  try {
    for (const start of starts) programs.push(await startProgram(...start));
    const step = Number(values['at-once']);
    // Memory and compiled code come with the first texts.
    for (const program of programs) await program.label(texts.slice(0, Math.max(step, 20)));
    const found = new Map<string, Measurement[]>(programs.map(({ name }) => [name, []]));
    for (let from = 0; from < texts.length; from += step) {
      for (const program of programs) found.get(program.name)!.push(await program.label(texts.slice(from, from + step)));
    }
    return new Map([...found].map(([name, own]) => [name, together(own)]));
  } finally {
    for (const program of programs) program.close();
  }
}

async function peerVersion(): Promise<string | null> {
  const version = values.packages === undefined ? null : transformersJsVersion(resolve(values.packages));
  if (version === null) {
    console.error('WARNING: --packages names no folder with transformers.js: there is NOTHING TO COMPARE WITH. Ours only.');
    console.error('  npm install --prefix DIR --ignore-scripts @huggingface/transformers, then --packages DIR');
    return null;
  }
  const canExport = await run(values.python, ['-c', 'import torch, transformers, onnx, onnxruntime']).then(
    () => true,
    () => false,
  );
  if (canExport) return version;
  console.error(
    `WARNING: ${values.python} cannot import torch, transformers, onnx and onnxruntime, which make the peer's model. Ours only.`,
  );
  console.error('  python3 -m venv VENV && VENV/bin/pip install torch transformers onnx onnxruntime, then --python VENV/bin/python');
  return null;
}

/** Writes every program's model. */
async function prepare(root: string, checkpoint: string, pooling: Pooling, withPeer: boolean): Promise<Start[]> {
  const folders: Record<Precision, string> = { fp32: join(root, 'fp32'), int8: join(root, 'int8') };
  for (const folder of Object.values(folders)) await mkdir(folder, { recursive: true });
  await releaseClassifier(checkpoint, folders, { pooling, maxTokens: Number(values.tokens) });
  const ours = (precision: Precision): Start => [`ours, ${precision}`, 'ours/main.ts', [folders[precision]]];
  if (!withPeer) return [ours('fp32'), ours('int8')];

  const exported = join(root, 'peer');
  await mkdir(exported);
  await copyFile(join(folders.fp32, 'config.json'), join(exported, 'config.json'));
  for (const name of ['tokenizer.json', 'tokenizer_config.json']) await copyFile(join(checkpoint, name), join(exported, name));
  await run(values.python, [join(import.meta.dirname, 'export_onnx.py'), folders.fp32, exported, pooling]);
  const theirs = (dtype: 'fp32' | 'q8'): Start => [
    `transformers.js, ${dtype}`,
    'peer/main.ts',
    [resolve(values.packages!), exported, dtype, values.tokens],
  ];
  return [theirs('fp32'), ours('fp32'), ours('int8'), theirs('q8')];
}

/** Two programs that compute different things are not compared in speed. */
function checkThatFloatsAgree(pooling: Pooling, theirs: Measurement, ours: Measurement): void {
  const { largest } = agreement(theirs.logOdds, ours.logOdds);
  if (!(largest <= tolerance)) {
    throw new Error(`with ${pooling} pooling the logits of both programs differ by ${largest}, more than ${tolerance}: no speed is told`);
  }
  if (!values.json) console.log(`\n${pooling} pooling: logits of both programs in float32 differ by ${largest.toExponential(1)} at most`);
}

function print(pooling: Pooling, table: readonly Row[]): void {
  console.log(`${`${pooling} pooling, ${values.texts} texts`.padEnd(34)} documents / CPU s       logits off by`);
  for (const { name, documentsPerCpuSecond: rate, ratio, off } of table) {
    const beside = ratio === null ? '' : `(${ratio.toFixed(2)}x)`;
    console.log(name.padEnd(34), rate.toFixed(1).padStart(12), beside.padEnd(8), `${(100 * off).toFixed(1)} %`.padStart(12));
  }
}
