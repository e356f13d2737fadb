import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeEvent, topicName } from '@llambert/contracts';
import type { Doubt } from '@llambert/domain';
import { aDocument, aDrawnSample } from '@llambert/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readDoubted, writeDoubted } from './doubted-file.ts';
import { openRunFolder } from './run-folder.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'llambert-doubted-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const file = () => join(folder, 'doubted.jsonl');

it('is read as it was written, in its order, and goes where nothing is doubted any more', async () => {
  const run = await openRunFolder(folder);
  const topic = topicName('p', 'sample.drawn');
  await run.eventLog.createTopics([{ name: topic, partitions: 1, retention: 'keep' }]);
  const documents = ['a', 'b', 'c'].map((id) => aDocument({ id, text: `text of ${id}`, ...(id === 'b' ? { textPair: 'second' } : {}) }));
  const samples = documents.map((document) => aDrawnSample({ document }));
  await run.eventLog.append(
    samples.map((body) => ({ topic, record: encodeEvent({ id: body.id, name: 'sample.drawn', key: body.id, body }) })),
  );
  const doubts = ['c', 'b'].map((documentId): Doubt => ({ documentId, labels: ['x'], suggested: ['y'], probability: 0.9 }));
  expect(await writeDoubted(run, 'p', 'single', doubts)).toBe(2);
  expect(readDoubted(folder, ['x'])).toEqual([documents[2], documents[1]]);
  expect(await writeDoubted(run, 'p', 'single', [])).toBe(0);
  expect(existsSync(file())).toBe(false);
  await run.close();
});

it.each([
  ['not there', null, 'doubted.jsonl is not there'],
  ['something else', '\n{"id": "a"}\n', 'doubted.jsonl:2 is no line that a run wrote'],
  ['cut off', '{"id": "a", "te', 'doubted.jsonl:1 is no line that a run wrote'],
  ["another task's", '{"id": "a", "text": "b", "label": "z"}', 'doubted.jsonl:1 has a label that the task does not have: "z"'],
  ["another multi-label task's", '{"id": "a", "text": "b", "labels": ["x", "z"]}', 'does not have: "z"'],
])('is refused where it is %s', (_, content, message) => {
  if (content !== null) writeFileSync(file(), content);
  expect(() => readDoubted(folder, ['x'])).toThrow(message);
});
