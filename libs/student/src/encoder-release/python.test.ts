import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTokenizer } from '../encoder/tokenizer.ts';
import { loadEncoderModel } from './encoder-model.ts';
import { labels, tinyRelease } from './release.fixture.ts';
import { releasePrecision, saveEncoder } from './save.ts';

const script = fileURLToPath(new URL('../../../../tools/run-model/run_model.py', import.meta.url));
/** LLAMBERT_TEST_PYTHON: a Python that has the packages where python3 has not. */
const python = process.env['LLAMBERT_TEST_PYTHON'] ?? 'python3';
const isThere = spawnSync(python, ['-c', 'import numpy, onnxruntime']).status === 0;
if (!isThere)
  console.warn(`SKIPPED: the proof from Python needs onnxruntime and numpy, which ${python} lacks; name one in LLAMBERT_TEST_PYTHON`);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'llambert-python-'));
});
afterAll(() => rm(folder, { recursive: true }));

const documents = [
  { text: 'A film.' },
  { text: '' },
  { text: 'the book', textPair: 'was better than the film' },
  { text: 'no' },
  { text: 'not a word of it is true '.repeat(20) },
];

describe('a released encoder in Python, without us', () => {
  it.skipIf(!isThere)('has the same logits', async () => {
    const release = tinyRelease('bert', 'mean', true);
    await saveEncoder(folder, release);
    const texts = await readTokenizer(release.tokenizerJson, 'fixture').tokenize(documents, release);
    const input = texts.map(({ ids, types }) => JSON.stringify({ ids: [...ids], types: [...types] })).join('\n');
    const logitsOf = (note = '') => {
      const { status, stdout, stderr } = spawnSync(python, [script, folder], { input, encoding: 'utf8' });
      expect([status, stderr]).toEqual([0, note]);
      return stdout
        .trim()
        .split('\n')
        .flatMap((line) => JSON.parse(line) as number[]);
    };
    const expectOurs = async (actual: number[]) => {
      const { logits } = await (await loadEncoderModel(folder, labels)).logits(documents);
      expect(actual.length).toBe(logits.length);
      for (const [at, logit] of logits.entries()) expect(Math.abs(actual[at]! - logit)).toBeLessThan(1e-5);
    };
    await expectOurs(logitsOf());
    await releasePrecision(folder, 'int8');
    await expectOurs(logitsOf());
    // Of an ensemble it has the encoder's part.
    await writeFile(join(folder, 'manifest.json'), '{"ensemble": {"encoderShare": 0.5}}');
    await expectOurs(logitsOf("note: a linear student decides beside this encoder; these are the encoder's logits alone\n"));
  });
});
