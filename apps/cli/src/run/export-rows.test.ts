import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InputColumns } from '@llambert/adapters/files';
import { encodeDocument, encodePrediction } from '@llambert/contracts';
import type { Document, LabelKind } from '@llambert/domain';
import { aTask } from '@llambert/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ExportFormat, exportRows } from './export-rows.ts';
import { lookIntoRunFolder, openRunFolder } from './run-folder.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'llambert-export-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const document = (id: string, metadata: Document['metadata'] = {}): Document => ({ id, text: `text of ${id}`, metadata });
const columnsOf = (...names: string[]): InputColumns => ({ names, id: 'id', text: 'text', textPair: null });

interface FinishedRun {
  readonly documents: readonly Document[];
  /** Labels by document id; a document without any is among the dead letters. */
  readonly labels: Readonly<Record<string, readonly string[]>>;
  readonly columns: InputColumns;
  readonly kind?: LabelKind;
  readonly finished?: string;
}

/** A folder as a run leaves it. */
async function write({ documents, labels, columns, kind = 'single', finished = 'loop' }: FinishedRun): Promise<void> {
  const run = await openRunFolder(folder);
  const task = { ...aTask(), spec: { ...aTask().spec, kind }, topics: { source: 'source', predictions: 'predictions' } };
  await run.ledger.run.replace('current', JSON.stringify({ loop: 'loop', task }));
  await run.ledger.run.replace('finished', finished);
  await run.ledger.run.replace('columns', JSON.stringify(columns));
  await run.eventLog.createTopics(['source', 'predictions'].map((name) => ({ name, partitions: 1, retention: 'keep' })));
  const predictions = documents.flatMap(({ id }) =>
    labels[id] === undefined
      ? []
      : [
          encodePrediction({
            task: task.name,
            pass: 'live',
            documentId: id,
            labels: labels[id],
            probability: 0.75,
            probabilities: [0.75, 0.25],
            route: 'auto',
            truncated: false,
            model: 'm',
          }),
        ],
  );
  await run.eventLog.append([
    ...documents.map((item) => ({ topic: 'source', record: encodeDocument(item) })),
    ...predictions.map((record) => ({ topic: 'predictions', record })),
  ]);
  await run.close();
}

async function exported(format: ExportFormat = 'jsonl'): Promise<{ columns: string[]; rows: Record<string, unknown>[] }> {
  const run = await lookIntoRunFolder(folder);
  try {
    const { columns, rows } = await exportRows(run, format);
    return { columns, rows: await Array.fromAsync(rows) };
  } finally {
    await run.close();
  }
}

describe('the rows of an export', () => {
  it('are the input with its labels, in its order, without the documents that have none', async () => {
    const documents = ['a', 'b', 'c', 'd'].map((id) => document(id, { shelf: `s-${id}` }));
    await write({ documents, labels: { b: ['positive'], d: ['negative'] }, columns: columnsOf('id', 'shelf', 'text') });
    const row = (id: string, label: string) => ({ id, shelf: `s-${id}`, text: `text of ${id}`, label, probability: 0.75, route: 'auto' });
    expect(await exported()).toEqual({
      columns: ['id', 'shelf', 'text', 'label', 'probability', 'route'],
      rows: [row('b', 'positive'), row('d', 'negative')],
    });
  });

  it('join ten thousand documents with their own labels', async () => {
    const documents = Array.from({ length: 10_000 }, (_, index) => document(`d${index}`));
    const labels = Object.fromEntries(documents.filter((_, index) => index % 3 > 0).map(({ id }) => [id, [`of ${id}`]]));
    await write({ documents, labels, columns: columnsOf('id', 'text') });
    const { rows } = await exported();
    expect(rows.map((row) => row['id'])).toEqual(Object.keys(labels));
    expect(rows.every((row) => row['label'] === `of ${row['id']}`)).toBe(true);
  });

  it('keep columns of the input that are named like ours, or like nothing an object should have', async () => {
    const metadata = Object.fromEntries([
      ['label', 'theirs'],
      ['__proto__', 'kept'],
    ]);
    await write({
      documents: [document('a', metadata)],
      labels: { a: ['positive'] },
      columns: columnsOf('id', 'text', 'label', '__proto__'),
    });
    const { columns, rows } = await exported();
    expect(columns).toEqual(['id', 'text', 'label', '__proto__', 'llambert_label', 'probability', 'route']);
    expect(new Map(Object.entries(rows[0]!))).toEqual(
      new Map<string, unknown>([
        ['label', 'theirs'],
        ['__proto__', 'kept'],
        ['id', 'a'],
        ['text', 'text of a'],
        ['llambert_label', 'positive'],
        ['probability', 0.75],
        ['route', 'auto'],
      ]),
    );
  });

  it('have a list of labels where the task has several, and an id where the input had none', async () => {
    const columns: InputColumns = { names: ['text'], id: null, text: 'text', textPair: null };
    await write({ documents: [document('input.csv:2')], labels: { 'input.csv:2': ['positive', 'negative'] }, columns, kind: 'multi' });
    const { columns: names, rows } = await exported();
    expect(names).toEqual(['id', 'text', 'label', 'probability', 'route']);
    expect(rows[0]).toMatchObject({ id: 'input.csv:2', label: ['positive', 'negative'] });
  });

  it('have the values in the types that they came in, as far as the format has them', async () => {
    const metadata = { stars: '5', score: '0.5', seen: 'true', tags: '[1,"a"]', tweet: '1234567890123456789', note: '7' };
    const columns: InputColumns = {
      ...columnsOf('id', 'text', ...Object.keys(metadata), 'gap'),
      types: [
        ['id', 'integer'],
        ['stars', 'integer'],
        ['score', 'number'],
        ['seen', 'boolean'],
        ['tags', 'json'],
        ['tweet', 'long'],
      ],
      nullable: ['gap'],
    };
    await write({ documents: [document('3', metadata)], labels: { 3: ['positive'] }, columns });
    const rowOf = async (format: ExportFormat) => (await exported(format)).rows[0]!;
    const lines = await rowOf('jsonl');
    expect(lines).toMatchObject({ id: 3, stars: 5, score: 0.5, seen: true, tags: [1, 'a'], note: '7', gap: null });
    expect(JSON.stringify(lines['tweet'])).toBe('1234567890123456789');
    expect(await rowOf('parquet')).toMatchObject({
      id: 3n,
      stars: 5n,
      score: 0.5,
      seen: true,
      tags: '[1,"a"]',
      tweet: 1234567890123456789n,
    });
    expect(await rowOf('csv')).toMatchObject({ id: '3', ...metadata });
  });

  it('are refused while the run is not finished', async () => {
    await write({ documents: [document('a')], labels: {}, columns: columnsOf('id', 'text'), finished: 'a former loop' });
    await expect(exported()).rejects.toMatchObject({ code: 'invalid_input', message: expect.stringContaining('no finished run') });
  });
});
