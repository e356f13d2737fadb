import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Summary } from '@llambert/review';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { colourDocuments, colourist, colours, colourTask, run } from './colours.fixture.ts';

let task: Awaited<ReturnType<typeof colourTask>>;
beforeEach(async () => {
  task = await colourTask();
});
afterEach(() => task.close());

describe('the whole loop', () => {
  it('labels every document, says what it cost, and goes on where it was: done', async () => {
    const documents = colourDocuments(800);
    task.writeTask();
    task.writeDocuments(documents);
    const result = await task.user(run);
    expect(result, result.stderr).toMatchObject({ code: 0 });
    const summary = JSON.parse(result.stdout) as Summary;
    expect(summary.documents).toMatchObject({ read: 800, labelled: 800, deadLetters: 0 });
    expect(summary.cost.calls).toBe(task.teacher.ledger().billed.calls);
    expect(summary.warnings.join()).toContain('uncertified');
    const rows = task.rowsIn('run/labels.jsonl');
    expect(rows.map((row) => row.id)).toEqual(documents.map(({ id }) => id));
    const right = rows.filter(
      (row, index) =>
        row.label ===
        documents[index]!.colours.toSorted((a, b) => documents[index]!.text.indexOf(a) - documents[index]!.text.indexOf(b))[0],
    ).length;
    expect(right / rows.length).toBeGreaterThan(0.9);
    expect(task.rowsIn('run/annotations.jsonl')).toHaveLength(120);

    const again = await task.user(run);
    expect(again.code).toBe(0);
    expect(task.teacher.ledger().billed.calls).toBe(summary.cost.calls);
    expect(task.rowsIn('run/labels.jsonl')).toEqual(rows);
  }, 240_000);

  it('gives a multi-label task its sets of labels', async () => {
    const documents = colourDocuments(600);
    task.writeTask(['kind: multi']);
    task.writeDocuments(documents);
    const result = await task.user(run);
    expect(result, result.stderr).toMatchObject({ code: 0 });
    const rows = task.rowsIn('run/labels.jsonl');
    const right = rows.filter((row, index) => row.labels.join() === documents[index]!.colours.join()).length;
    expect(right / rows.length).toBeGreaterThan(0.85);
    expect(Object.keys(rows[0].probabilities)).toEqual(colours);
  }, 240_000);

  it('certifies with gold of a uniform draw, and exports what came in with what came out', async () => {
    const documents = colourDocuments(900);
    task.writeTask(['gold: {file: gold.csv, sampled: uniform}', 'routing: {targetError: 0.1}']);
    writeFileSync(
      task.at('documents.csv'),
      `\ufeffid,shelf,text\r\n${documents.map(({ id, text }) => `${id},"s, ${id}","${text.replaceAll('"', '""')}"`).join('\r\n')}\r\n`,
    );
    const gold = documents.filter((_, index) => index % 3 === 0);
    writeFileSync(
      task.at('gold.csv'),
      `id,label\n${gold.map(({ id, text }) => `${id},${colours.find((colour) => text.startsWith(`the ${colour}`))}`).join('\n')}\n`,
    );
    const result = await task.user(['--json', 'run', 'task.yaml', '--input', 'documents.csv', '--out', 'run']);
    expect(result, result.stderr).toMatchObject({ code: 0 });
    const summary = JSON.parse(result.stdout) as Summary;
    expect(summary.model?.routing).toMatchObject({ certified: true, reference: 'human' });
    expect(summary.model?.evaluations.map((evaluation) => evaluation.reference)).toEqual(['teacher', 'human']);

    const exported = await task.user(['export', 'run', '--format', 'csv', '--out', 'labelled.csv.gz']);
    expect(exported, exported.stderr).toMatchObject({ code: 0 });
    const lines = gunzipSync(readFileSync(task.at('labelled.csv.gz')))
      .toString('utf8')
      .trimEnd()
      .split(/\r?\n/);
    expect(lines[0]).toBe('id,shelf,text,label,probability,route');
    expect(lines).toHaveLength(901);
    expect(lines[1]).toMatch(/^doc-0,"s, doc-0","the red .*",red,[01][.\d]*,(auto|review)$/);
  }, 240_000);

  it('learns from pairs of texts', async () => {
    const pairs = colourDocuments(600).map(({ id, text }, index) => ({ id, first: 'Which colour?', second: text, index }));
    task.writeTask();
    writeFileSync(
      task.at('pairs.jsonl.gz'),
      gzipSync(pairs.map(({ id, first, second }) => `${JSON.stringify({ id, first, second })}\n`).join('')),
    );
    const paired = await task.start({
      annotator: {
        mode: 'rules',
        judge: (document, question) => colourist.judge({ ...document, text: document.secondText ?? '' }, question),
      },
    });
    writeFileSync(task.at('task.yaml'), readFileSync(task.at('task.yaml'), 'utf8').replace(task.teacher.baseUrl, paired.baseUrl));
    const result = await task.user([
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
    const rows = task.rowsIn('run/labels.jsonl');
    const right = rows.filter((row, index) => pairs[index]!.second.startsWith(`the ${row.label}`)).length;
    expect(right / rows.length).toBeGreaterThan(0.85);
    // Half a pair is nothing that the model knows of.
    const half = await task.user(['label', '--model', 'run', '--input', 'pairs.jsonl.gz', '--text-field', 'second', '--out', 'half.jsonl']);
    expect(half).toMatchObject({ code: 2, stderr: expect.stringContaining('--pair-field') });
    expect(existsSync(task.at('half.jsonl'))).toBe(false);
  }, 240_000);

  it('reads standard input, and labels more with the model it left', async () => {
    const documents = colourDocuments(400);
    task.writeTask();
    const lines = documents.map(({ id, text }) => `${JSON.stringify({ id, text })}\n`).join('');
    const result = await task.user(['run', 'task.yaml', '--input', '-', '--out', 'run'], lines);
    expect(result, result.stderr).toMatchObject({ code: 0 });
    const more = await task.user(
      ['label', '--model', 'run', '--input', '-', '--out', '-'],
      '{"id": 1, "text": "the blue boat of number 9"}\n',
    );
    expect(more, more.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(more.stdout)).toMatchObject({ id: '1', label: 'blue', truncated: false });
    const models = await task.user(['--json', 'models', 'run']);
    const { digest } = JSON.parse(models.stdout).models.at(-1);
    const inUse = JSON.parse(models.stdout).models.filter((model: { inUse: boolean }) => model.inUse);
    expect(inUse).toMatchObject([{ digest: (task.rowsIn('run/labels.jsonl')[0] as { model: string }).model }]);
    writeFileSync(task.at('more.jsonl'), '{"id": 1, "text": "the red car"}\nnot json\n{"id": 2, "text": ""}\n');
    const label = (beginning: string) =>
      task.user(['--json', 'label', '--model', beginning, '--run', 'run', '--input', 'more.jsonl', '--out', 'more-labels.jsonl']);
    const labelled = await label(digest.slice(0, 5));
    expect(labelled, labelled.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(labelled.stdout)).toMatchObject({
      labelled: 1,
      deadLetters: 2,
      deadLetterFile: 'more-labels.jsonl.dead-letters.jsonl',
    });
    expect(task.rowsIn('more-labels.jsonl.dead-letters.jsonl')).toMatchObject([
      { position: 'more.jsonl:2', record: 'not json' },
      { position: 'more.jsonl:3', id: '2', reason: 'empty_text' },
    ]);
    writeFileSync(task.at('more.jsonl'), '{"id": 1, "text": "the red car"}\n');
    expect(JSON.parse((await label(digest.slice(0, 5))).stdout)).toMatchObject({ deadLetters: 0, deadLetterFile: null });
    expect(existsSync(task.at('more-labels.jsonl.dead-letters.jsonl'))).toBe(false);
    expect(await label(digest.slice(0, 3))).toMatchObject({ code: 2, stderr: expect.stringContaining('at least 4 digits') });
    const status = await task.user(['--json', 'status', 'run']);
    expect(JSON.parse(status.stdout)).toMatchObject({ task: 'colours', outcome: 'labelled' });
    // What there is can be listed all the same.
    writeFileSync(task.at('run/model/manifest.json'), 'half');
    expect(await task.user(['--json', 'models', 'run'])).toMatchObject({ code: 0, stdout: models.stdout });
  }, 240_000);
});
