import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { replayAnswers } from './replay.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'replay-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function replay(documents: readonly unknown[], answers: readonly unknown[], field?: string, second?: readonly unknown[]) {
  const lines = (rows: readonly unknown[]) => rows.map((row) => `${typeof row === 'string' ? row : JSON.stringify(row)}\r\n`).join('');
  const paths = { documents: join(folder, 'documents.jsonl.gz'), answers: join(folder, 'answers.jsonl') };
  await writeFile(paths.documents, gzipSync(lines(documents)));
  await writeFile(paths.answers, lines(answers));
  const secondAnswers = join(folder, 'second.jsonl');
  if (second !== undefined) await writeFile(secondAnswers, lines(second));
  return replayAnswers({ ...paths, ...(second === undefined ? {} : { secondAnswers }), ...(field === undefined ? {} : { field }) });
}

const open = { kind: null, labels: null };
const documents = [
  { id: '1', text: 'good\r\nfilm ' },
  { id: '2', text: 'bad film' },
  { id: '3', text: 'odd film' },
  { id: '4', text: 'a premise', textPair: 'a hypothesis' },
  { id: '5', text: 'never answered' },
];
const answers = [
  { id: '1', label: 'positive' },
  { id: '2', labels: ['negative', 'short'] },
  { id: '3', label: null },
  { id: '4', label: 'positive' },
];

describe('replay', () => {
  it('repeats the recorded answer for a text, whatever its line ends', async () => {
    const annotator = await replay(documents, answers);
    expect(annotator.judge({ text: 'good\nfilm', secondText: null }, open)).toMatchObject({ kind: 'single', labels: ['positive'] });
    expect(annotator.judge({ text: 'bad film', secondText: null }, open)).toMatchObject({ kind: 'multi', labels: ['negative', 'short'] });
    expect(annotator.judge({ text: 'odd film', secondText: null }, open)).toEqual({ kind: 'unusable' });
    expect(annotator.judge({ text: 'a premise', secondText: 'a hypothesis' }, open)).toMatchObject({ labels: ['positive'] });
  });

  it('gives probabilities for the asked labels that favour the recorded one', async () => {
    const annotator = await replay(documents, answers);
    const judgement = annotator.judge(
      { text: 'good\nfilm', secondText: null },
      { kind: 'single', labels: ['negative', 'neutral', 'positive'] },
    );
    if (judgement.kind === 'unusable') throw new Error('a label was recorded');
    expect([...judgement.probabilities.keys()]).toEqual(['negative', 'neutral', 'positive']);
    expect([...judgement.probabilities.values()].reduce((sum, probability) => sum + probability)).toBeCloseTo(1, 12);
    expect(judgement.probabilities.get('positive')).toBeGreaterThanOrEqual(0.8);
  });

  it('gives its second answer, where it has one, to what is asked in other words', async () => {
    const annotator = await replay(documents, answers, undefined, [
      { id: '1', label: 'negative' },
      { id: '2', label: null },
    ]);
    const second = (text: string) => annotator.judge({ text, secondText: null }, open, true);
    expect(second('good\nfilm')).toMatchObject({ labels: ['negative'] });
    expect(second('bad film')).toEqual({ kind: 'unusable' });
    expect(second('odd film')).toEqual({ kind: 'unusable' });
    expect(annotator.judge({ text: 'good\nfilm', secondText: null }, open)).toMatchObject({ labels: ['positive'] });
  });

  it('says what it has no answer for', async () => {
    const annotator = await replay(documents, answers);
    const judge = (text: string, labels: string[] | null) => () => annotator.judge({ text, secondText: null }, { kind: 'single', labels });
    expect(judge('never seen', null)).toThrow(/no recorded answer for this text \(10 characters/);
    expect(judge('never answered', null)).toThrow(/no recorded answer/);
    expect(judge('a premise', null)).toThrow(/no recorded answer/);
    expect(judge('good\nfilm', ['yes', 'no'])).toThrow(/"positive" does not fit the schema, which asks for one of yes, no/);
    expect(judge('bad film', ['negative', 'short'])).toThrow(/does not fit/);
  });

  it('reads another field of the answers', async () => {
    const annotator = await replay(documents, [{ id: '1', first: 'a', second: 'b' }], 'second');
    expect(annotator.judge({ text: 'good\nfilm', secondText: null }, open)).toMatchObject({ labels: ['b'] });
  });

  it('names file and line of what it can not read', async () => {
    await expect(replay(documents, [...answers, '{'])).rejects.toThrow(/answers\.jsonl, line 5: not JSON/);
    await expect(replay([{ id: '1' }], answers)).rejects.toThrow(/documents\.jsonl\.gz, line 1: no text in the field "text"/);
    await expect(replay(documents, [{ id: '1', label: 7 }])).rejects.toThrow(/line 1: the field "label" is neither/);
    await expect(replay(documents, [{ id: 'x', label: 'a' }])).rejects.toThrow(/do their ids agree/);
  });
});
