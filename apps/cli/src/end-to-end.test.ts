import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Summary } from '@llambert/review';
import { type Annotator, type StandinOptions, type StandinTeacher, startStandinTeacher } from '@llambert/tool-standin-teacher';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { llambert, startLlambert } from './command-line.fixture.ts';

const colours = ['red', 'green', 'blue'];
const things = ['car', 'house', 'bird', 'shirt', 'door', 'pencil', 'lamp', 'boat'];

interface ColourDocument {
  readonly id: string;
  readonly text: string;
  readonly colours: readonly string[];
}

/** Texts that name one to two colours among other words; the first colour is the single label. */
function colourDocuments(count: number): ColourDocument[] {
  return Array.from({ length: count }, (_, index) => {
    const first = colours[index % 3]!;
    const second = index % 4 === 0 ? colours[(index + 1) % 3]! : null;
    const thing = (step: number) => things[(index * 7 + step) % things.length]!;
    const text = `the ${first} ${thing(0)} of number ${index}${second === null ? '' : ` and a ${second} ${thing(3)}`}, "as is"`;
    return { id: `doc-${index}`, text, colours: second === null ? [first] : [first, second].sort(byColour) };
  });
}

const byColour = (left: string, right: string) => colours.indexOf(left) - colours.indexOf(right);

/** A teacher that knows the colours by name. */
const colourist: Annotator = {
  mode: 'rules',
  judge(document, question) {
    const all = colours
      .filter((colour) => document.text.includes(colour))
      .sort((left, right) => document.text.indexOf(left) - document.text.indexOf(right));
    const labels = question.kind === 'multi' ? all : all.slice(0, 1);
    if (labels.length === 0 && question.kind !== 'multi') return { kind: 'unusable' };
    return {
      kind: question.kind ?? 'single',
      labels,
      probabilities: new Map(colours.map((colour) => [colour, labels.includes(colour) ? 0.98 : 0.01])),
    };
  },
};

let folder: string;
let teacher: StandinTeacher;
const started: StandinTeacher[] = [];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'llambert-end-to-end-'));
  teacher = await start({});
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.close()));
  rmSync(folder, { recursive: true });
});

async function start(options: Partial<StandinOptions>): Promise<StandinTeacher> {
  const server = await startStandinTeacher({ annotator: colourist, ...options });
  started.push(server);
  return server;
}

const at = (name: string) => join(folder, name);
const user = (args: readonly string[], input?: string) => llambert(args, { cwd: folder, ...(input === undefined ? {} : { input }) });
const rowsIn = (name: string) =>
  readFileSync(at(name), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

function writeTask(changes: string[] = [], settings: { teacher?: string; budget?: string } = {}): void {
  const lines = [
    'task: colours',
    'description: Which colour is the thing?',
    'labels: [red, green, blue]',
    `teacher: {model: standin, baseUrl: ${teacher.baseUrl}, price: {input: 1, output: 2}${settings.teacher ?? ''}}`,
    `budget: ${settings.budget ?? '{usd: 1, annotations: 120}'}`,
    ...changes,
  ];
  writeFileSync(at('task.yaml'), `${lines.join('\n')}\n`);
}

function writeDocuments(documents: readonly ColourDocument[]): void {
  writeFileSync(at('documents.jsonl'), documents.map(({ id, text }) => `${JSON.stringify({ id, text, shelf: `s-${id}` })}\n`).join(''));
}

const run = ['--json', 'run', 'task.yaml', '--input', 'documents.jsonl', '--out', 'run'];

describe('the whole loop', () => {
  it('labels every document, says what it cost, and goes on where it was: done', async () => {
    const documents = colourDocuments(800);
    writeTask();
    writeDocuments(documents);
    const result = await user(run);
    expect(result, result.stderr).toMatchObject({ code: 0 });
    const summary = JSON.parse(result.stdout) as Summary;
    expect(summary.documents).toMatchObject({ read: 800, labelled: 800, deadLetters: 0 });
    expect(summary.cost.calls).toBe(teacher.ledger().billed.calls);
    expect(summary.warnings.join()).toContain('uncertified');
    const rows = rowsIn('run/labels.jsonl');
    expect(rows.map((row) => row.id)).toEqual(documents.map(({ id }) => id));
    const right = rows.filter(
      (row, index) =>
        row.label ===
        documents[index]!.colours.toSorted((a, b) => documents[index]!.text.indexOf(a) - documents[index]!.text.indexOf(b))[0],
    ).length;
    expect(right / rows.length).toBeGreaterThan(0.9);
    expect(rowsIn('run/annotations.jsonl')).toHaveLength(120);

    const again = await user(run);
    expect(again.code).toBe(0);
    expect(teacher.ledger().billed.calls).toBe(summary.cost.calls);
    expect(rowsIn('run/labels.jsonl')).toEqual(rows);
  }, 60_000);

  it('gives a multi-label task its sets of labels', async () => {
    const documents = colourDocuments(600);
    writeTask(['kind: multi']);
    writeDocuments(documents);
    const result = await user(run);
    expect(result, result.stderr).toMatchObject({ code: 0 });
    const rows = rowsIn('run/labels.jsonl');
    const right = rows.filter((row, index) => row.labels.join() === documents[index]!.colours.join()).length;
    expect(right / rows.length).toBeGreaterThan(0.85);
    expect(Object.keys(rows[0].probabilities)).toEqual(colours);
  }, 60_000);

  it('certifies with gold of a uniform draw, and exports what came in with what came out', async () => {
    const documents = colourDocuments(900);
    writeTask(['gold: {file: gold.csv, sampled: uniform}', 'routing: {targetError: 0.1}']);
    writeFileSync(
      at('documents.csv'),
      `\ufeffid,shelf,text\r\n${documents.map(({ id, text }) => `${id},"s, ${id}","${text.replaceAll('"', '""')}"`).join('\r\n')}\r\n`,
    );
    const gold = documents.filter((_, index) => index % 3 === 0);
    writeFileSync(
      at('gold.csv'),
      `id,label\n${gold.map(({ id, text }) => `${id},${colours.find((colour) => text.startsWith(`the ${colour}`))}`).join('\n')}\n`,
    );
    const result = await user(['--json', 'run', 'task.yaml', '--input', 'documents.csv', '--out', 'run']);
    expect(result, result.stderr).toMatchObject({ code: 0 });
    const summary = JSON.parse(result.stdout) as Summary;
    expect(summary.model?.routing).toMatchObject({ certified: true, reference: 'human' });
    expect(summary.model?.evaluations.map((evaluation) => evaluation.reference)).toEqual(['teacher', 'human']);

    const exported = await user(['export', 'run', '--format', 'csv', '--out', 'labelled.csv.gz']);
    expect(exported, exported.stderr).toMatchObject({ code: 0 });
    const lines = gunzipSync(readFileSync(at('labelled.csv.gz')))
      .toString('utf8')
      .trimEnd()
      .split(/\r?\n/);
    expect(lines[0]).toBe('id,shelf,text,label,probability,route');
    expect(lines).toHaveLength(901);
    expect(lines[1]).toMatch(/^doc-0,"s, doc-0","the red .*",red,[01][.\d]*,(auto|review)$/);
  }, 60_000);

  it('learns from pairs of texts', async () => {
    const pairs = colourDocuments(600).map(({ id, text }, index) => ({ id, first: 'Which colour?', second: text, index }));
    writeTask();
    writeFileSync(
      at('pairs.jsonl.gz'),
      gzipSync(pairs.map(({ id, first, second }) => `${JSON.stringify({ id, first, second })}\n`).join('')),
    );
    const paired = await start({
      annotator: {
        mode: 'rules',
        judge: (document, question) => colourist.judge({ ...document, text: document.secondText ?? '' }, question),
      },
    });
    writeFileSync(at('task.yaml'), readFileSync(at('task.yaml'), 'utf8').replace(teacher.baseUrl, paired.baseUrl));
    const result = await user([
      'run',
      'task.yaml',
      '--input',
      'pairs.jsonl.gz',
      '--text-field',
      'first',
      '--pair-field',
      'second',
      '--out',
      'run',
    ]);
    expect(result, result.stderr).toMatchObject({ code: 0 });
    const rows = rowsIn('run/labels.jsonl');
    const right = rows.filter((row, index) => pairs[index]!.second.startsWith(`the ${row.label}`)).length;
    expect(right / rows.length).toBeGreaterThan(0.85);
    // Half a pair is nothing that the model knows of.
    const half = await user(['label', '--model', 'run', '--input', 'pairs.jsonl.gz', '--text-field', 'second', '--out', 'half.jsonl']);
    expect(half).toMatchObject({ code: 2, stderr: expect.stringContaining('--pair-field') });
    expect(existsSync(at('half.jsonl'))).toBe(false);
  }, 60_000);

  it('reads standard input, and labels more with the model it left', async () => {
    const documents = colourDocuments(400);
    writeTask();
    const lines = documents.map(({ id, text }) => `${JSON.stringify({ id, text })}\n`).join('');
    const result = await user(['run', 'task.yaml', '--input', '-', '--out', 'run'], lines);
    expect(result, result.stderr).toMatchObject({ code: 0 });
    const more = await user(['label', '--model', 'run', '--input', '-', '--out', '-'], '{"id": 1, "text": "the blue boat of number 9"}\n');
    expect(more, more.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(more.stdout)).toMatchObject({ id: '1', label: 'blue', truncated: false });
    const models = await user(['--json', 'models', 'run']);
    const { digest } = JSON.parse(models.stdout).models.at(-1);
    writeFileSync(at('more.jsonl'), '{"id": 1, "text": "the red car"}\nnot json\n{"id": 2, "text": ""}\n');
    const label = (beginning: string) =>
      user(['--json', 'label', '--model', beginning, '--run', 'run', '--input', 'more.jsonl', '--out', 'more-labels.jsonl']);
    const labelled = await label(digest.slice(0, 5));
    expect(labelled, labelled.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(labelled.stdout)).toMatchObject({
      labelled: 1,
      deadLetters: 2,
      deadLetterFile: 'more-labels.jsonl.dead-letters.jsonl',
    });
    expect(rowsIn('more-labels.jsonl.dead-letters.jsonl')).toMatchObject([
      { position: 'more.jsonl:2', record: 'not json' },
      { position: 'more.jsonl:3', id: '2', reason: 'empty_text' },
    ]);
    writeFileSync(at('more.jsonl'), '{"id": 1, "text": "the red car"}\n');
    expect(JSON.parse((await label(digest.slice(0, 5))).stdout)).toMatchObject({ deadLetters: 0, deadLetterFile: null });
    expect(existsSync(at('more-labels.jsonl.dead-letters.jsonl'))).toBe(false);
    expect(await label(digest.slice(0, 3))).toMatchObject({ code: 2, stderr: expect.stringContaining('at least 4 digits') });
    const status = await user(['--json', 'status', 'run']);
    expect(JSON.parse(status.stdout)).toMatchObject({ task: 'colours', outcome: 'labelled' });
  }, 60_000);
});

describe('what cannot go well', () => {
  const refuses = async (args: readonly string[], code: number, ...says: string[]) => {
    const result = await user(args);
    expect(result, result.stderr).toMatchObject({ code });
    for (const part of says) expect(result.stderr).toContain(part);
    expect(result.stderr).not.toMatch(/\n\s+at /);
    return result;
  };

  it('is told with the place and what to do', async () => {
    writeTask();
    writeFileSync(at('empty.jsonl'), '');
    await refuses(['run', 'task.yaml', '--input', 'empty.jsonl', '--out', 'run'], 2, 'empty.jsonl', 'empty');
    await refuses(['run', 'task.yaml', '--input', 'nowhere.jsonl', '--out', 'run2'], 2, 'nowhere.jsonl', 'no such file');
    expect(existsSync(at('run2'))).toBe(false);
    await refuses(['run', 'nothing.yaml', '--input', 'empty.jsonl', '--out', 'run3'], 2, 'nothing.yaml');
    await refuses(['run', 'task.yaml', '--out', 'run4'], 2, '--input');
    writeFileSync(at('task.yaml'), 'task: x\nlabels: [a, a]\nbuget: 3\n');
    await refuses(['run', 'task.yaml', '--input', 'empty.jsonl', '--out', 'run5'], 2, 'task.yaml:', 'buget', 'budget');
  }, 60_000);

  it('a mistake in the command does not spoil the folder for the corrected one', async () => {
    writeTask();
    writeDocuments(colourDocuments(200));
    await refuses([...run, '--text-field', 'nosuch'], 2, 'nosuch', 'text');
    writeFileSync(at('blank.jsonl'), '{"id": 1, "text": " "}\n');
    await refuses(['run', 'task.yaml', '--input', 'blank.jsonl', '--out', 'run'], 2, 'blank.jsonl:1');
    const result = await user(run);
    expect(result, result.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(result.stdout).documents).toMatchObject({ labelled: 200, deadLetters: 0 });
  }, 60_000);

  it('a run killed with calls in flight does not block one with other settings near the cap', async () => {
    const slow = await start({ latencyMs: 2000 });
    writeTask([], { budget: '{usd: 0.045, annotations: 40}' });
    const text = readFileSync(at('task.yaml'), 'utf8');
    writeFileSync(at('task.yaml'), text.replace(teacher.baseUrl, slow.baseUrl));
    writeDocuments(colourDocuments(100));
    const { child, ended } = startLlambert(run, { cwd: folder });
    while (!existsSync(at('run/state/ledger.db'))) await new Promise((done) => setTimeout(done, 20));
    await new Promise((done) => setTimeout(done, 2500));
    child.kill('SIGKILL');
    await ended;
    writeFileSync(at('task.yaml'), `${text}sampling: {seed: 2}\n`);
    const result = await user(run);
    expect(result.code, result.stderr).not.toBeNull();
    const { cost } = JSON.parse(result.stdout) as Summary;
    expect(cost.usd).toBeLessThanOrEqual(cost.capUsd);
    expect(cost.unknownOutcomes).toBeGreaterThan(0);
  }, 60_000);

  it('a teacher that gives nothing usable ends without a model, and the same command tries again once it is mended', async () => {
    const unusable = await start({ faults: { 'malformed-body': { probability: 1 } } });
    writeTask([], { budget: '{usd: 1, annotations: 60}' });
    const text = readFileSync(at('task.yaml'), 'utf8');
    writeFileSync(at('task.yaml'), text.replace(teacher.baseUrl, unusable.baseUrl));
    writeDocuments(colourDocuments(200));
    await refuses(run, 2);
    expect(existsSync(at('run/model'))).toBe(false);
    const port = Number(new URL(unusable.url).port);
    await unusable.close();
    started.splice(started.indexOf(unusable), 1);
    await start({ port });
    expect(await user(run)).toMatchObject({ code: 0 });
  }, 60_000);

  it('a teacher whose first answers cannot be used is asked no more, and the mended task goes on in the same folder', async () => {
    const useless = await start({ faults: { 'unknown-label': { probability: 1 } } });
    writeTask(['sampling: {rounds: 1}'], { budget: '{usd: 1, annotations: 60}', teacher: ', concurrency: 4' });
    const text = readFileSync(at('task.yaml'), 'utf8');
    writeFileSync(at('task.yaml'), text.replace(teacher.baseUrl, useless.baseUrl));
    writeDocuments(colourDocuments(100));
    const result = await refuses(run, 2, "of the teacher's first 2", 'could be used (unknown label: 2', 'annotations.jsonl');
    expect(result.stderr).not.toContain('standin-unknown-label');
    expect(useless.ledger().billed.calls).toBeLessThan(25);
    expect(rowsIn('run/annotations.jsonl')[0]).toMatchObject({ rejected: 'unknown_label', detail: 'standin-unknown-label' });

    writeFileSync(at('task.yaml'), `${text}guide: Take the first colour.\n`);
    const mended = await user(run);
    expect(mended, mended.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(mended.stdout).annotations).toMatchObject({ labelled: 60, rejected: 0 });
  }, 60_000);

  it('money is marked as a bound where the server does not say what it took', async () => {
    const silent = await start({ faults: { 'missing-usage': { probability: 1 } } });
    writeTask(['sampling: {rounds: 1}'], { budget: '{usd: 1, annotations: 30}' });
    writeFileSync(at('task.yaml'), readFileSync(at('task.yaml'), 'utf8').replace(teacher.baseUrl, silent.baseUrl));
    writeDocuments(colourDocuments(60));
    const { code, stdout, stderr } = await user(run.slice(1));
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/at most \$0\.\d+ of \$1 for 30 calls; on every document it would have cost at most \$/);
    expect(stdout).toContain('the server reported no usage for 30 of 30 calls');
    expect(stdout.match(/there is no certify gold/g)).toHaveLength(1);
    const { cost } = JSON.parse(readFileSync(at('run/summary.json'), 'utf8')) as Summary;
    expect(cost).toMatchObject({ atMost: true, unmeasuredCalls: 30, unmeasuredUsd: cost.usd });
  }, 60_000);

  it('a round that is rejected as a whole opens no other', async () => {
    const useless = await start({ faults: { refusal: { probability: 1 } } });
    writeTask([], { budget: '{usd: 1, annotations: 60}' });
    writeFileSync(at('task.yaml'), readFileSync(at('task.yaml'), 'utf8').replace(teacher.baseUrl, useless.baseUrl));
    writeDocuments(colourDocuments(200));
    const result = await user(run);
    expect(result, result.stderr).toMatchObject({ code: 2 });
    expect(JSON.parse(result.stdout)).toMatchObject({ roundsEnd: 'nothing_usable', annotations: { rejections: { refused: 15 } } });
    expect(useless.ledger().billed.calls).toBe(15);
  }, 60_000);

  it('a teacher that puts every call off for hours ends the run when patience is over', async () => {
    const busy = await start({ faults: { 'rate-limit': { probability: 1 } }, retryAfterSeconds: 86_400 });
    writeTask();
    writeFileSync(at('task.yaml'), readFileSync(at('task.yaml'), 'utf8').replace(teacher.baseUrl, busy.baseUrl));
    writeDocuments(colourDocuments(100));
    await refuses([...run, '--patience', '2'], 4, 'asking the teacher failed (HTTP 429', 'given no answer for 2 s');
  }, 60_000);

  it('nothing is written over what is read, and nothing that is missing is taken for done', async () => {
    writeTask();
    writeDocuments(colourDocuments(200));
    expect((await user(run)).code).toBe(0);
    const labels = readFileSync(at('run/labels.jsonl'), 'utf8');
    await refuses(['label', '--model', 'run', '--input', 'documents.jsonl', '--out', './documents.jsonl'], 2, 'is the input itself');
    await refuses(['export', 'run', '--format', 'jsonl', '--out', 'run/state/ledger.db'], 2, 'choose another place');
    await refuses(['run', 'task.yaml', '--input', '.', '--out', 'inside'], 2, 'is inside the input');
    rmSync(at('run/state/events.db'));
    await refuses(run, 2, 'events.db', 'another folder');
    expect(readFileSync(at('run/labels.jsonl'), 'utf8')).toBe(labels);
  }, 60_000);

  it('good documents survive bad ones, which end as dead letters with reasons and places', async () => {
    writeTask();
    const good = colourDocuments(300).map(({ id, text }) => JSON.stringify({ id, text }));
    good.splice(10, 0, 'not json');
    good.splice(20, 0, '{"id": "doc-3", "text": "again red"}', '{"text": "no id"}', '{"id": "blank", "text": "  "}', '{"id": "none"}');
    writeFileSync(at('documents.jsonl'), `${good.join('\n')}\n`);
    const result = await user(run);
    expect(result, result.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(result.stdout).documents).toMatchObject({ labelled: 300, deadLetters: 5 });
    const dead = rowsIn('run/dead-letters.jsonl');
    expect(dead[0].position).toMatch(/documents\.jsonl:11$/);
    expect(dead.map((letter) => letter.reason)).toContain('duplicate_id');
  }, 60_000);

  it('gold with a label that the task does not have; and gold that the task does not name', async () => {
    writeDocuments(colourDocuments(50));
    writeFileSync(at('gold.jsonl'), '{"id": "doc-1", "label": "green"}\n{"id": "doc-2", "label": "purple"}\n');
    writeTask([], { teacher: ', apiKeyEnv: NO_SUCH_KEY' });
    await refuses(run, 2, 'gold.jsonl lies beside the task, but the task does not name it', 'gold: gold.jsonl');
    writeTask(['gold: gold.jsonl']);
    await refuses(run, 2, 'gold.jsonl:2', 'purple', 'red, green, blue');
  }, 60_000);

  it('too few documents or annotations for any model, before a call is paid', async () => {
    writeTask();
    writeDocuments(colourDocuments(3));
    await refuses(run, 2, 'at least 10', 'the input has 3');
    expect(existsSync(at('run'))).toBe(false);
    // Nothing of the refused run is in the way of the right one.
    writeTask([], { budget: '{usd: 1, annotations: 1}' });
    writeDocuments(colourDocuments(100));
    await refuses(run, 2, 'at least 10', 'budget.annotations is 1');
    expect(teacher.ledger().billed.calls).toBe(0);
    writeTask([], { budget: '{usd: 1, annotations: 40}' });
    expect((await user(run)).code).toBe(0);
  }, 60_000);

  it('a budget that no call fits in ends with its own exit code', async () => {
    writeTask([], { budget: '{usd: 0.00001, annotations: 100}' });
    writeDocuments(colourDocuments(200));
    const result = await user(run);
    expect(result, result.stderr).toMatchObject({ code: 3 });
    expect(teacher.ledger().billed.calls).toBe(0);
  }, 60_000);

  it('a teacher that is away ends the run when patience is over, and the run goes on when it is back', async () => {
    writeTask();
    writeDocuments(colourDocuments(200));
    const address = new URL(teacher.url);
    await teacher.close();
    await refuses([...run, '--patience', '1'], 4, 'given no answer for 1 s', 'run the same command again');
    started.splice(started.indexOf(teacher), 1);
    await start({ port: Number(address.port) });
    const result = await user(run);
    expect(result, result.stderr).toMatchObject({ code: 0 });
  }, 60_000);

  it('a wrong key is no reason to wait, and is never shown', async () => {
    const guarded = await start({ apiKey: 'right' });
    writeTask([], { teacher: ', apiKeyEnv: TEACHER_KEY' });
    writeFileSync(at('task.yaml'), readFileSync(at('task.yaml'), 'utf8').replace(teacher.baseUrl, guarded.baseUrl));
    writeDocuments(colourDocuments(200));
    await refuses(run, 2, 'TEACHER_KEY', 'not set');
    const result = await llambert(run, { cwd: folder, env: { TEACHER_KEY: 'sk-very-secret-indeed' } });
    expect(result, result.stderr).toMatchObject({ code: 4 });
    expect(result.stderr + result.stdout).not.toContain('secret');
  }, 60_000);

  it('another task or other input in the same folder is refused, other settings are not', async () => {
    writeTask();
    writeDocuments(colourDocuments(300));
    expect((await user(run)).code).toBe(0);
    const calls = teacher.ledger().billed.calls;
    writeTask(['routing: {targetError: 0.2}']);
    expect((await user(run)).code).toBe(0);
    // The answers were cached: other settings cost nothing.
    expect(teacher.ledger().billed.calls).toBe(calls);
    // Another model is asked again, under the same cap.
    writeTask();
    writeFileSync(at('task.yaml'), readFileSync(at('task.yaml'), 'utf8').replace('model: standin', 'model: standin-2'));
    const other = await user(run);
    expect(other, other.stderr).toMatchObject({ code: 0 });
    expect(teacher.ledger().billed.calls).toBe(2 * calls);
    writeTask(['guide: Look again.']);
    await refuses(run, 2, 'other labels, guide or examples', '--out');
    writeTask();
    writeDocuments(colourDocuments(301));
    await refuses(run, 2, 'other input', '--out');
  }, 60_000);

  it.each(['SIGINT', 'SIGTERM'] as const)(
    '%s stops cleanly with exit code 130',
    async (signal) => {
      const slow = await start({ latencyMs: 150 });
      writeTask();
      writeFileSync(at('task.yaml'), readFileSync(at('task.yaml'), 'utf8').replace(teacher.baseUrl, slow.baseUrl));
      writeDocuments(colourDocuments(300));
      const { child, ended } = startLlambert(run, { cwd: folder });
      while (slow.ledger().billed.calls < 5) await new Promise((done) => setTimeout(done, 20));
      child.kill(signal);
      const result = await ended;
      expect(result, result.stderr).toMatchObject({ code: 130 });
      // Calls in flight were waited for: the same command repeats none of them.
      expect(await user(run)).toMatchObject({ code: 0 });
      expect(slow.ledger().billed.calls).toBe(120);
    },
    60_000,
  );
});
