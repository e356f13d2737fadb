import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { trainEncoder } from '@llambert/student';
import { aStudent, encoderOf, type Size } from '../encoder.ts';

// The product's own training on made-up texts: main.ts SIZE POOLING THREADS TEXTS TOKENS STEPS. Prints one JSON line, as pytorch.py does.

const [size, pooling, ...numbers] = process.argv.slice(2) as [Size, 'first' | 'mean', ...string[]];
const [threads, texts, tokens, steps] = numbers.map(Number) as [number, number, number, number];
const rows = Array.from({ length: texts * steps + 2 }, (_, row) => ({
  text: '',
  target: row % 2 === 0 ? [1, 0] : [0, 1],
  weight: 1,
  // Two rows are held out, so that looking at them costs nothing.
  fold: row < 2 ? 0 : 1,
}));
const stateFolder = await mkdtemp(join(tmpdir(), 'llambert-training-step-'));
const milliseconds: number[] = [];
let before = process.cpuUsage();
await trainEncoder({
  encoder: encoderOf(size, tokens),
  rows,
  heldOut: [0, 1],
  gold: [],
  labels: { kind: 'single', names: ['a', 'b'] },
  settings: aStudent(pooling, texts, tokens),
  stateFolder,
  threads,
  onProgress: () => {
    const { user, system } = process.cpuUsage(before);
    milliseconds.push((user + system) / 1000);
    before = process.cpuUsage();
  },
});
await rm(stateFolder, { recursive: true });
// The first also counts the preparation.
console.log(JSON.stringify({ milliseconds: milliseconds.slice(1, -1), peakMegabytes: process.resourceUsage().maxRSS / 1024 }));
