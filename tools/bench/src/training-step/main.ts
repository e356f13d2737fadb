import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';

const usage = `usage: node tools/bench/src/training-step/main.ts [options]
CPU time of a training step and peak memory, beside PyTorch's on the same machine, in turns.
  --size minilm|bert-base   (default minilm)
  --threads N               (default 1)
  --texts N --tokens N      of a step (default 16 and 128)
  --steps N                 measured steps of each turn (default 8)
  --turns N                 (default 2)
  --python FILE             a Python with torch and transformers (default python3)
  --json                    the measurements as one JSON object`;

interface Measurement {
  readonly name: string;
  readonly milliseconds: readonly number[];
  readonly peakMegabytes: number;
}

const run = promisify(execFile);
const { values } = parseArgs({
  options: {
    size: { type: 'string', default: 'minilm' },
    threads: { type: 'string', default: '1' },
    texts: { type: 'string', default: '16' },
    tokens: { type: 'string', default: '128' },
    steps: { type: 'string', default: '8' },
    turns: { type: 'string', default: '2' },
    python: { type: 'string', default: 'python3' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) console.log(usage);
else if (!['minilm', 'bert-base'].includes(values.size)) {
  console.error(usage);
  process.exitCode = 2;
} else await compare();

async function compare(): Promise<void> {
  const hasPeer = await run(values.python, ['-c', 'import torch, transformers']).then(
    () => true,
    () => false,
  );
  if (!hasPeer) {
    console.error(`WARNING: ${values.python} cannot import torch and transformers: there is NOTHING TO COMPARE WITH. Ours only.`);
    console.error('  python3 -m venv VENV && VENV/bin/pip install torch transformers, then --python VENV/bin/python');
  }
  const numbers = [values.threads, values.texts, values.tokens, `${Number(values.steps) + 2}`];
  const found: Measurement[] = [];
  const measure = async (name: string, command: string, script: string, form: string) => {
    const { stdout } = await run(command, [join(import.meta.dirname, script), values.size, form, ...numbers], { maxBuffer: 1e8 });
    found.push({ name, ...(JSON.parse(stdout.trim().split('\n').at(-1)!) as Omit<Measurement, 'name'>) });
  };
  for (let turn = 0; turn < Number(values.turns); turn++) {
    if (hasPeer) await measure('PyTorch, eager', values.python, 'pytorch.py', 'eager');
    if (hasPeer) await measure('PyTorch, SDPA and fused AdamW', values.python, 'pytorch.py', 'fastest');
    await measure('ours, mean pooling', process.execPath, 'ours/main.ts', 'mean');
    await measure('ours, first token', process.execPath, 'ours/main.ts', 'first');
  }
  const names = [...new Set(found.map(({ name }) => name))];
  const table = names.map((name) => {
    const own = found.filter((each) => each.name === name);
    return {
      name,
      step: median(own.flatMap(({ milliseconds }) => milliseconds)),
      peak: Math.max(...own.map(({ peakMegabytes }) => peakMegabytes)),
    };
  });
  if (values.json) console.log(JSON.stringify({ ...values, table }));
  else print(table);
}

function print(table: readonly { name: string; step: number; peak: number }[]): void {
  console.log(
    `${values.size}, ${values.threads} thread(s), ${values.texts} texts of ${values.tokens} tokens: median CPU ms of a step, peak MB`,
  );
  const eager = table.find(({ name }) => name === 'PyTorch, eager');
  for (const { name, step, peak } of table) {
    const ratio = eager === undefined ? '' : `   ${(step / eager.step).toFixed(2)}x   ${(peak / eager.peak).toFixed(2)}x`;
    console.log(`${name.padEnd(32)}${step.toFixed(0).padStart(7)}${peak.toFixed(0).padStart(8)}${ratio}`);
  }
}

function median(numbers: readonly number[]): number {
  const ascending = numbers.toSorted((left, right) => left - right);
  return ascending[Math.floor(ascending.length / 2)]!;
}
