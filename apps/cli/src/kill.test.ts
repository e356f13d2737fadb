import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { nanoUsd, priceOf } from '@llambert/domain';
import { customerMessageRules, type StandinTeacher, startStandinTeacher } from '@llambert/tool-standin-teacher';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { llambert, startLlambert } from './command-line.fixture.ts';
import { lookIntoRunFolder } from './run/run-folder.ts';

const example = join(import.meta.dirname, '../../../examples/customer-messages/generate.ts');
const documents = 1500;
const annotations = 150;
const concurrency = 4;
const price = { input: 0.15, output: 0.6 };

/** Numbers in [0, 1), the same for a seed (Numerical Recipes' linear congruential generator). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('a run that is killed at any point and started again', () => {
  let folder: string;
  let teacher: StandinTeacher;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'llambert-kill-'));
    teacher = await startStandinTeacher({ annotator: customerMessageRules, latencyMs: 15 });
    execFileSync(process.execPath, [example, '--count', String(documents), '--gold', '0', '--seed', '7', '--out', folder]);
    // Records that cannot be used must come out once as well.
    appendFileSync(join(folder, 'messages.csv'), 'm-0000001,again,chat,en\n,without an id,chat,en\n');
    writeFileSync(
      join(folder, 'task.yaml'),
      `task: customer-messages
description: What does the customer want?
labels: [delivery, refund, product, account, feedback]
teacher: {model: standin-rules, baseUrl: ${teacher.baseUrl}, concurrency: ${concurrency}, price: {input: ${price.input}, output: ${price.output}}}
budget: {usd: 5, annotations: ${annotations}}
student: {model: linear, likelyWrong: ask-teacher}
`,
    );
  });

  afterEach(async () => {
    await teacher.close();
    rmSync(folder, { recursive: true });
  });

  const args = (out: string) => ['--quiet', 'run', 'task.yaml', '--input', 'messages.csv', '--out', out];
  const labelsIn = (out: string) => readFileSync(join(folder, out, 'labels.jsonl'), 'utf8');

  it('labels every document exactly once, as a run left alone does, and pays for no more repeats than calls in flight', async () => {
    const alone = await llambert(args('alone'), { cwd: folder });
    expect(alone, alone.stderr).toMatchObject({ code: 0 });
    const expected = labelsIn('alone');
    const before = teacher.ledger().billed.calls;
    expect(before).toBe(annotations);
    // Otherwise no kill could hit a second opinion.
    expect(readFileSync(join(folder, 'alone', 'annotations.jsonl'), 'utf8')).toContain('"askedAgain":true');

    const seed = Number(process.env['LLAMBERT_KILL_SEED'] ?? 1);
    const random = randomNumbers(seed);
    let kills = 0;
    let code: number | null = null;
    // Each life is a little longer than the one before, so that the run ends however unlucky the moments are.
    for (let life = 0; code === null; life++) {
      const { child, ended } = startLlambert(args('killed'), { cwd: folder });
      const patience = new AbortController();
      const deadline = delay(250 + random() * (600 + 150 * life), undefined, { signal: patience.signal }).then(
        () => child.kill('SIGKILL'),
        () => false,
      );
      const result = await ended;
      patience.abort();
      if (await deadline) kills += 1;
      code = result.code;
      expect(result.stderr, `seed ${seed}, life ${life}`).not.toMatch(/llambert: /);
      expectNothingHalfWritten('killed');
    }
    expect(code).toBe(0);
    expect(kills).toBeGreaterThan(2);

    expect(labelsIn('killed')).toBe(expected);
    const ids = expected
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { id: string }).id);
    expect(new Set(ids).size).toBe(documents);
    expect(ids).toHaveLength(documents);
    const dead = readFileSync(join(folder, 'killed', 'dead-letters.jsonl'), 'utf8')
      .trimEnd()
      .split('\n');
    expect(dead).toHaveLength(2);

    const entries = teacher.ledger().entries.slice(before);
    const requests = Map.groupBy(entries, (entry) => entry.requestHash);
    expect(requests.size).toBe(annotations);
    const repeats = entries.length - requests.size;
    expect(repeats).toBeLessThanOrEqual(kills * concurrency);

    const run = await lookIntoRunFolder(join(folder, 'killed'));
    const spend = await run.ledger.annotation.spend('customer-messages');
    await run.close();
    const bill = entries.reduce((sum, entry) => sum + priceOf({ input: entry.promptTokens, output: entry.completionTokens }, price), 0);
    expect(spend.settled).toBeGreaterThanOrEqual(bill);
    expect(spend.calls).toBeGreaterThanOrEqual(entries.length);
    expect(spend.settled).toBeLessThanOrEqual(nanoUsd(5));
    expect(spend.reserved).toBe(0);
  }, 400_000);

  function expectNothingHalfWritten(out: string): void {
    for (const name of ['labels.jsonl', 'annotations.jsonl', 'dead-letters.jsonl']) {
      const file = join(folder, out, name);
      if (!existsSync(file)) continue;
      for (const line of readFileSync(file, 'utf8').trimEnd().split('\n')) expect(() => JSON.parse(line), `${name}: ${line}`).not.toThrow();
    }
    const summary = join(folder, out, 'summary.json');
    if (existsSync(summary)) expect(() => JSON.parse(readFileSync(summary, 'utf8'))).not.toThrow();
  }

  it('a folder is one process at a time', async () => {
    mkdirSync(join(folder, 'shared'));
    const first = startLlambert(args('shared'), { cwd: folder });
    while (!existsSync(join(folder, 'shared', 'state', 'ledger.db'))) await delay(20);
    const second = await llambert(args('shared'), { cwd: folder });
    expect(second).toMatchObject({ code: 2, stdout: '' });
    expect(second.stderr).toContain('another llambert is working in');
    expect(await first.ended).toMatchObject({ code: 0 });
  }, 240_000);
});
