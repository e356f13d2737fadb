import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openArtifact } from '@llambert/adapters/folder';
import { deadLetterTopic, encodeDeadLetter, encodeEvent, encodePrediction, topicName } from '@llambert/contracts';
import { type Answer, type ModelManifest, sampleId, secondSampleId } from '@llambert/domain';
import { anAnnotation, aRejection } from '@llambert/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { refusedTopic } from './ingest.ts';
import { copyModel, removeModel, writeAnnotations, writeDeadLetters, writeLabels } from './outputs.ts';
import { openRunFolder, type RunFolder } from './run-folder.ts';

let folder: string;
let run: RunFolder;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'llambert-outputs-'));
  run = await openRunFolder(folder);
});
afterEach(async () => {
  await run.close();
  rmSync(folder, { recursive: true });
});

const topic = (name: string) => run.eventLog.createTopics([{ name, partitions: 1, retention: 'keep' }]);
const rowsIn = (path: string) =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('labels.jsonl', () => {
  it('has a line for each prediction, and is counted by route and label', async () => {
    await topic('predictions');
    const prediction = (documentId: string, label: string, route: 'auto' | 'review') =>
      encodePrediction({
        task: 't',
        pass: 'live',
        documentId,
        labels: [label],
        probability: 0.75,
        probabilities: [0.25, 0.75],
        route,
        truncated: documentId === 'b',
        model: 'm',
      });
    const records = [prediction('a', 'no', 'auto'), prediction('b', 'no', 'review'), prediction('c', 'yes', 'auto')];
    await run.eventLog.append(records.map((record) => ({ topic: 'predictions', record })));
    const counts = await writeLabels(run, 'predictions', 'single', ['yes', 'no', 'never']);
    expect(counts).toEqual({ labelled: 3, auto: 2, review: 1, truncated: 1, byLabel: { yes: 1, no: 2, never: 0 } });
    expect(rowsIn(run.paths.labels)[0]).toMatchObject({ id: 'a', label: 'no', probabilities: { yes: 0.25, no: 0.75 }, route: 'auto' });
  });
});

describe('annotations.jsonl', () => {
  it('has each answer once, although the outbox may send it twice, and the reasons of rejections', async () => {
    const name = topicName('p', 'sample.answered');
    await topic(name);
    const answers: Answer[] = [anAnnotation({ sampleId: 'one' }), aRejection({ sampleId: 'two' }), anAnnotation({ sampleId: 'one' })];
    await run.eventLog.append(
      answers.map((body) => ({
        topic: name,
        record: encodeEvent({ id: `answered:${body.sampleId}`, name: 'sample.answered', key: body.task, body }),
      })),
    );
    expect(await writeAnnotations(run, 'p')).toEqual({ labelled: 1, rejections: { refused: 1 }, askedAgain: 0, changed: 0 });
    expect(rowsIn(run.paths.annotations)).toMatchObject([{ labels: ['delivery'] }, { rejected: 'refused', detail: 'would rather not' }]);
  });

  it('tells second answers from first ones, and counts what they changed', async () => {
    const name = topicName('p', 'sample.answered');
    await topic(name);
    const first = (documentId: string) => anAnnotation({ documentId, sampleId: sampleId('task', documentId) });
    const again = { a: ['refund'], b: ['delivery'] };
    const seconds = Object.entries(again).map(([documentId, labels]) =>
      anAnnotation({ documentId, sampleId: secondSampleId('task', documentId), labels }),
    );
    const refused = aRejection({ documentId: 'c', sampleId: secondSampleId('task', 'c') });
    const unpaid = aRejection({ documentId: 'd', sampleId: secondSampleId('task', 'd'), reason: 'budget_exhausted' });
    const answers: Answer[] = [first('a'), first('b'), first('c'), ...seconds, refused, unpaid];
    await run.eventLog.append(
      answers.map((body) => ({ topic: name, record: encodeEvent({ id: '', name: 'sample.answered', key: '', body }) })),
    );
    expect(await writeAnnotations(run, 'p')).toEqual({
      labelled: 5,
      rejections: { refused: 1, budget_exhausted: 1 },
      askedAgain: 3,
      changed: 1,
    });
    expect(rowsIn(run.paths.annotations).map((row) => row['askedAgain'] ?? false)).toEqual([false, false, false, true, true, true, true]);
  });
});

describe('dead-letters.jsonl', () => {
  it('has what was refused on the way in and what could not be classified, with the beginning of the record', async () => {
    const classified = deadLetterTopic('p', 'inference');
    await topic(refusedTopic);
    await topic(classified);
    const letter = (service: string) =>
      encodeDeadLetter({
        service,
        reason: 'broken_json',
        message: 'broken',
        position: 'a.jsonl:7',
        documentId: null,
        record: Buffer.alloc(5000, 'x'),
      });
    await run.eventLog.append([
      { topic: classified, record: letter('inference') },
      { topic: refusedTopic, record: letter('ingest') },
    ]);
    expect(await writeDeadLetters(run, 'p')).toBe(2);
    const rows = rowsIn(run.paths.deadLetters);
    expect(rows.map((row) => row['service'])).toEqual(['ingest', 'inference']);
    expect(rows[0]).toMatchObject({ reason: 'broken_json', position: 'a.jsonl:7', record: 'x'.repeat(1000) });
  });
});

describe('the model beside the labels', () => {
  const described: Omit<ModelManifest, 'files'> = {
    format: 'llambert.model.v1',
    task: 't',
    labellingSpecHash: 'h',
    round: 1,
    labels: { kind: 'single', names: ['yes', 'no'] },
    student: 'linear',
    baseModel: null,
    licence: null,
    dataset: { fingerprint: 'f', annotations: 10, trainGold: 0, certifyGold: 0 },
    training: {},
    calibration: { method: 'temperature', temperature: 1, documents: 10, reference: 'teacher' },
    evaluations: [],
    routing: {
      reference: 'teacher',
      certified: false,
      threshold: null,
      targetError: 0.05,
      confidence: 0.95,
      coverage: 0,
      observedError: null,
      documents: 0,
      goldNeeded: null,
      explanation: '',
    },
  };
  const publish = (weights: string) =>
    run.artifacts.publish(async (path) => {
      writeFileSync(join(path, 'weights.bin'), weights);
      return described;
    });

  it('is the artifact, whole, in the place of a former one and of what a killed run left', async () => {
    const [first, second] = [await publish('one'), await publish('two')];
    await copyModel(run, first.digest);
    expect((await openArtifact(run.paths.model)).digest).toBe(first.digest);
    for (const left of ['.new', '.old']) {
      mkdirSync(`${run.paths.model}${left}`);
      writeFileSync(join(`${run.paths.model}${left}`, 'half'), '');
    }
    await copyModel(run, second.digest);
    expect((await openArtifact(run.paths.model)).digest).toBe(second.digest);
    expect(readdirSync(folder).sort()).toEqual(['model', 'state']);
  });

  it('stays the former one where the new one is damaged', async () => {
    const [first, second] = [await publish('one'), await publish('two')];
    await copyModel(run, first.digest);
    writeFileSync(join(run.paths.state, 'artifacts', second.digest, 'weights.bin'), 'tampered');
    await expect(copyModel(run, second.digest)).rejects.toMatchObject({ code: 'corrupt_artifact' });
    expect((await openArtifact(run.paths.model)).digest).toBe(first.digest);
  });

  it('goes where a loop has none', async () => {
    await copyModel(run, (await publish('one')).digest);
    removeModel(run);
    expect(existsSync(run.paths.model)).toBe(false);
    removeModel(run);
  });
});
