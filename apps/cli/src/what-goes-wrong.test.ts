import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Summary } from '@llambert/review';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { colourDocuments, colourTask, run } from './colours.fixture.ts';
import { llambert, startLlambert } from './command-line.fixture.ts';

let task: Awaited<ReturnType<typeof colourTask>>;
beforeEach(async () => {
  task = await colourTask();
});
afterEach(() => task.close());

describe('what cannot go well', () => {
  const refuses = async (args: readonly string[], code: number, ...says: string[]) => {
    const result = await task.user(args);
    expect(result, result.stderr).toMatchObject({ code });
    for (const part of says) expect(result.stderr).toContain(part);
    expect(result.stderr).not.toMatch(/\n\s+at /);
    return result;
  };

  it('is told with the place and what to do', async () => {
    task.writeTask();
    writeFileSync(task.at('empty.jsonl'), '');
    await refuses(['run', 'task.yaml', '--input', 'empty.jsonl', '--out', 'run'], 2, 'empty.jsonl', 'empty');
    await refuses(['run', 'task.yaml', '--input', 'nowhere.jsonl', '--out', 'run2'], 2, 'nowhere.jsonl', 'no such file');
    expect(existsSync(task.at('run2'))).toBe(false);
    await refuses(['run', 'nothing.yaml', '--input', 'empty.jsonl', '--out', 'run3'], 2, 'nothing.yaml');
    await refuses(['run', 'task.yaml', '--out', 'run4'], 2, '--input');
    await refuses(['label', '--model', '.', '--input', 'empty.jsonl', '--out', 'out.jsonl'], 2, ". is neither a model's folder nor");
    writeFileSync(task.at('task.yaml'), 'task: x\nlabels: [a, a]\nbuget: 3\n');
    await refuses(['run', 'task.yaml', '--input', 'empty.jsonl', '--out', 'run5'], 2, 'task.yaml:', 'buget', 'budget');
  }, 240_000);

  it('a mistake in the command does not spoil the folder for the corrected one', async () => {
    task.writeTask();
    task.writeDocuments(colourDocuments(200));
    await refuses([...run, '--text-field', 'nosuch'], 2, 'nosuch', 'text');
    writeFileSync(task.at('blank.jsonl'), '{"id": 1, "text": " "}\n');
    await refuses(['run', 'task.yaml', '--input', 'blank.jsonl', '--out', 'run'], 2, 'blank.jsonl:1');
    const result = await task.user(run);
    expect(result, result.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(result.stdout).documents).toMatchObject({ labelled: 200, deadLetters: 0 });
  }, 240_000);

  it('a run killed with calls in flight does not block one with other settings near the cap', async () => {
    const slow = await task.start({ latencyMs: 2000 });
    task.writeTask([], { budget: '{usd: 0.045, annotations: 40}' });
    const text = readFileSync(task.at('task.yaml'), 'utf8');
    writeFileSync(task.at('task.yaml'), text.replace(task.teacher.baseUrl, slow.baseUrl));
    task.writeDocuments(colourDocuments(100));
    const { child, ended } = startLlambert(run, { cwd: task.folder });
    while (!existsSync(task.at('run/state/ledger.db'))) await new Promise((done) => setTimeout(done, 20));
    await new Promise((done) => setTimeout(done, 2500));
    child.kill('SIGKILL');
    await ended;
    writeFileSync(task.at('task.yaml'), `${text}sampling: {seed: 2}\n`);
    const result = await task.user(run);
    expect(result.code, result.stderr).not.toBeNull();
    const { cost } = JSON.parse(result.stdout) as Summary;
    expect(cost.usd).toBeLessThanOrEqual(cost.capUsd);
    expect(cost.unknownOutcomes).toBeGreaterThan(0);
  }, 240_000);

  it('a teacher that gives nothing usable ends without a model, and the same command tries again once it is mended', async () => {
    const unusable = await task.start({ faults: { 'malformed-body': { probability: 1 } } });
    task.writeTask([], { budget: '{usd: 1, annotations: 60}' });
    const text = readFileSync(task.at('task.yaml'), 'utf8');
    writeFileSync(task.at('task.yaml'), text.replace(task.teacher.baseUrl, unusable.baseUrl));
    task.writeDocuments(colourDocuments(200));
    await refuses(run, 2);
    expect(existsSync(task.at('run/model'))).toBe(false);
    const port = Number(new URL(unusable.url).port);
    await task.stop(unusable);
    await task.start({ port });
    expect(await task.user(run)).toMatchObject({ code: 0 });
  }, 240_000);

  it('a teacher whose first answers cannot be used is asked no more, and the mended task goes on in the same folder', async () => {
    const useless = await task.start({ faults: { 'unknown-label': { probability: 1 } } });
    task.writeTask(['sampling: {rounds: 1}'], { budget: '{usd: 1, annotations: 60}', teacher: ', concurrency: 4' });
    const text = readFileSync(task.at('task.yaml'), 'utf8');
    writeFileSync(task.at('task.yaml'), text.replace(task.teacher.baseUrl, useless.baseUrl));
    task.writeDocuments(colourDocuments(100));
    const result = await refuses(run, 2, "of the teacher's first 2", 'could be used (unknown label: 2', 'annotations.jsonl');
    expect(result.stderr).not.toContain('standin-unknown-label');
    expect(useless.ledger().billed.calls).toBeLessThan(25);
    expect(task.rowsIn('run/annotations.jsonl')[0]).toMatchObject({ rejected: 'unknown_label', detail: 'standin-unknown-label' });

    writeFileSync(task.at('task.yaml'), `${text}guide: Take the first colour.\n`);
    const mended = await task.user(run);
    expect(mended, mended.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(mended.stdout).annotations).toMatchObject({ labelled: 60, rejected: 0 });
  }, 240_000);

  it('money is marked as a bound where the server does not say what it took', async () => {
    const silent = await task.start({ faults: { 'missing-usage': { probability: 1 } } });
    task.writeTask(['sampling: {rounds: 1}'], { budget: '{usd: 1, annotations: 30}' });
    writeFileSync(task.at('task.yaml'), readFileSync(task.at('task.yaml'), 'utf8').replace(task.teacher.baseUrl, silent.baseUrl));
    task.writeDocuments(colourDocuments(60));
    const { code, stdout, stderr } = await task.user(run.slice(1));
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/at most \$0\.\d+ of \$1 for 30 calls; on every document it would have cost at most \$/);
    expect(stdout).toContain('the server reported no usage for 30 of 30 calls');
    expect(stdout.match(/there is no certify gold/g)).toHaveLength(1);
    const { cost } = JSON.parse(readFileSync(task.at('run/summary.json'), 'utf8')) as Summary;
    expect(cost).toMatchObject({ atMost: true, unmeasuredCalls: 30, unmeasuredUsd: cost.usd });
  }, 240_000);

  it('a round that is rejected as a whole opens no other', async () => {
    const useless = await task.start({ faults: { refusal: { probability: 1 } } });
    task.writeTask([], { budget: '{usd: 1, annotations: 60}' });
    writeFileSync(task.at('task.yaml'), readFileSync(task.at('task.yaml'), 'utf8').replace(task.teacher.baseUrl, useless.baseUrl));
    task.writeDocuments(colourDocuments(200));
    const result = await task.user(run);
    expect(result, result.stderr).toMatchObject({ code: 2 });
    expect(JSON.parse(result.stdout)).toMatchObject({ roundsEnd: 'nothing_usable', annotations: { rejections: { refused: 15 } } });
    expect(useless.ledger().billed.calls).toBe(15);
  }, 240_000);

  it('a teacher that puts every call off for hours ends the run when patience is over', async () => {
    const busy = await task.start({ faults: { 'rate-limit': { probability: 1 } }, retryAfterSeconds: 86_400 });
    task.writeTask();
    writeFileSync(task.at('task.yaml'), readFileSync(task.at('task.yaml'), 'utf8').replace(task.teacher.baseUrl, busy.baseUrl));
    task.writeDocuments(colourDocuments(100));
    await refuses([...run, '--patience', '2'], 4, 'asking the teacher failed (HTTP 429', 'given no answer for 2 s');
  }, 240_000);

  it('nothing is written over what is read, and nothing that is missing is taken for done', async () => {
    task.writeTask();
    task.writeDocuments(colourDocuments(200));
    expect((await task.user(run)).code).toBe(0);
    const labels = readFileSync(task.at('run/labels.jsonl'), 'utf8');
    await refuses(['label', '--model', 'run', '--input', 'documents.jsonl', '--out', './documents.jsonl'], 2, 'is the input itself');
    await refuses(['export', 'run', '--format', 'jsonl', '--out', 'run/state/ledger.db'], 2, 'choose another place');
    await refuses(['run', 'task.yaml', '--input', '.', '--out', 'inside'], 2, 'is inside the input');
    rmSync(task.at('run/state/events.db'));
    await refuses(run, 2, 'events.db', 'another folder');
    expect(readFileSync(task.at('run/labels.jsonl'), 'utf8')).toBe(labels);
  }, 240_000);

  it('good documents survive bad ones, which end as dead letters with reasons and places', async () => {
    task.writeTask();
    const good = colourDocuments(300).map(({ id, text }) => JSON.stringify({ id, text }));
    good.splice(10, 0, 'not json');
    good.splice(20, 0, '{"id": "doc-3", "text": "again red"}', '{"text": "no id"}', '{"id": "blank", "text": "  "}', '{"id": "none"}');
    writeFileSync(task.at('documents.jsonl'), `${good.join('\n')}\n`);
    const result = await task.user(run);
    expect(result, result.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(result.stdout).documents).toMatchObject({ labelled: 300, deadLetters: 5 });
    const dead = task.rowsIn('run/dead-letters.jsonl');
    expect(dead[0].position).toMatch(/documents\.jsonl:11$/);
    expect(dead.map((letter) => letter.reason)).toContain('duplicate_id');
  }, 240_000);

  it('gold with a label that the task does not have; and gold that the task does not name', async () => {
    task.writeDocuments(colourDocuments(50));
    writeFileSync(task.at('gold.jsonl'), '{"id": "doc-1", "label": "green"}\n{"id": "doc-2", "label": "purple"}\n');
    task.writeTask([], { teacher: ', apiKeyEnv: NO_SUCH_KEY' });
    await refuses(run, 2, 'gold.jsonl lies beside the task, but the task does not name it', 'gold: gold.jsonl');
    task.writeTask(['gold: gold.jsonl']);
    await refuses(run, 2, 'gold.jsonl:2', 'purple', 'red, green, blue');
  }, 240_000);

  it('too few documents or annotations for any model, before a call is paid', async () => {
    task.writeTask();
    task.writeDocuments(colourDocuments(3));
    await refuses(run, 2, 'at least 10', 'the input has 3');
    expect(existsSync(task.at('run'))).toBe(false);
    // Nothing of the refused run is in the way of the right one.
    task.writeTask([], { budget: '{usd: 1, annotations: 1}' });
    task.writeDocuments(colourDocuments(100));
    await refuses(run, 2, 'at least 10', 'budget.annotations is 1');
    expect(task.teacher.ledger().billed.calls).toBe(0);
    task.writeTask([], { budget: '{usd: 1, annotations: 40}' });
    expect((await task.user(run)).code).toBe(0);
  }, 240_000);

  it('a budget that no call fits in ends with its own exit code', async () => {
    task.writeTask([], { budget: '{usd: 0.00001, annotations: 100}' });
    task.writeDocuments(colourDocuments(200));
    const result = await task.user(run);
    expect(result, result.stderr).toMatchObject({ code: 3 });
    expect(task.teacher.ledger().billed.calls).toBe(0);
  }, 240_000);

  it('a teacher that is away ends the run when patience is over, and the run goes on when it is back', async () => {
    task.writeTask();
    task.writeDocuments(colourDocuments(200));
    const address = new URL(task.teacher.url);
    await task.stop(task.teacher);
    await refuses([...run, '--patience', '1'], 4, 'given no answer for 1 s', 'run the same command again');
    await task.start({ port: Number(address.port) });
    const result = await task.user(run);
    expect(result, result.stderr).toMatchObject({ code: 0 });
  }, 240_000);

  it("a run's own files are no gold: it would take the teacher's labels for people's, and write over theirs", async () => {
    task.writeTask();
    task.writeDocuments(colourDocuments(200));
    const out = run[run.indexOf('--out') + 1]!;
    await refuses([...run, '--gold', `${out}/doubted.jsonl`], 2, 'doubted.jsonl', 'file of this run');
    expect(existsSync(task.at(out))).toBe(false);
  }, 240_000);

  it('a wrong key is no reason to wait, and is never shown', async () => {
    const guarded = await task.start({ apiKey: 'right' });
    task.writeTask([], { teacher: ', apiKeyEnv: TEACHER_KEY' });
    writeFileSync(task.at('task.yaml'), readFileSync(task.at('task.yaml'), 'utf8').replace(task.teacher.baseUrl, guarded.baseUrl));
    task.writeDocuments(colourDocuments(200));
    await refuses(run, 2, 'TEACHER_KEY', 'not set');
    const result = await llambert(run, { cwd: task.folder, env: { TEACHER_KEY: 'sk-very-secret-indeed' } });
    expect(result, result.stderr).toMatchObject({ code: 4 });
    expect(result.stderr + result.stdout).not.toContain('secret');
  }, 240_000);

  it('another task or other input in the same folder is refused, other settings are not', async () => {
    task.writeTask();
    task.writeDocuments(colourDocuments(300));
    expect((await task.user(run)).code).toBe(0);
    const calls = task.teacher.ledger().billed.calls;
    task.writeTask(['routing: {targetError: 0.2}']);
    expect((await task.user(run)).code).toBe(0);
    // The answers were cached: other settings cost nothing.
    expect(task.teacher.ledger().billed.calls).toBe(calls);
    // Another model is asked again, under the same cap.
    task.writeTask();
    writeFileSync(task.at('task.yaml'), readFileSync(task.at('task.yaml'), 'utf8').replace('model: standin', 'model: standin-2'));
    const other = await task.user(run);
    expect(other, other.stderr).toMatchObject({ code: 0 });
    expect(task.teacher.ledger().billed.calls).toBe(2 * calls);
    task.writeTask(['guide: Look again.']);
    await refuses(run, 2, 'other labels, guide or examples', '--out');
    task.writeTask();
    task.writeDocuments(colourDocuments(301));
    await refuses(run, 2, 'other input', '--out');
  }, 240_000);

  it.each(['SIGINT', 'SIGTERM'] as const)(
    '%s stops cleanly with exit code 130',
    async (signal) => {
      const slow = await task.start({ latencyMs: 150 });
      task.writeTask();
      writeFileSync(task.at('task.yaml'), readFileSync(task.at('task.yaml'), 'utf8').replace(task.teacher.baseUrl, slow.baseUrl));
      task.writeDocuments(colourDocuments(300));
      const { child, ended } = startLlambert(run, { cwd: task.folder });
      while (slow.ledger().billed.calls < 5) await new Promise((done) => setTimeout(done, 20));
      child.kill(signal);
      const result = await ended;
      expect(result, result.stderr).toMatchObject({ code: 130 });
      // Calls in flight were waited for: the same command repeats none of them.
      expect(await task.user(run)).toMatchObject({ code: 0 });
      expect(slow.ledger().billed.calls).toBe(120);
    },
    60_000,
  );
});
