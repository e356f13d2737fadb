import { openDatabase, sqliteEventLog } from '@llambert/adapters/sqlite';
import { deadLetterTopic, decodePrediction, encodeDocument, encodeEvent, topicDefinitions, topicName } from '@llambert/contracts';
import type { ArtifactStore, Event, EventLog } from '@llambert/domain';
import { type Service, systemClock } from '@llambert/platform';
import { aDocument } from '@llambert/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ClassifierPool } from './classifier-pool.ts';
import { classifyRecords, type LoadedModel, serviceName } from './classify-records.ts';
import { inferenceService, passGroup } from './service.ts';

const prefix = 'test';
const labels = { kind: 'single', names: ['short', 'long'] } as const;

/** Everything is short; the pool works in this thread. */
const pool: ClassifierPool = {
  classify: (model, target, records) => {
    const manifest = { labels, routing: { threshold: null } } as unknown as LoadedModel['manifest'];
    const classifier: LoadedModel['classifier'] = {
      kind: 'linear',
      labels,
      close: async () => {},
      classify: async (documents) => ({
        probabilities: Float32Array.from(documents.flatMap(() => [0.75, 0.25])),
        truncated: new Uint8Array(documents.length),
      }),
    };
    return classifyRecords({ digest: model.digest, manifest, classifier }, target, records);
  },
  close: async () => undefined,
};

describe('inference', () => {
  let database: ReturnType<typeof openDatabase>;
  let eventLog: EventLog;
  let running: Service[];
  let opens: string[];

  beforeEach(async () => {
    database = openDatabase(':memory:');
    eventLog = sqliteEventLog(database, { clock: systemClock, pollMs: { min: 5, max: 20 } });
    await eventLog.createTopics([
      ...topicDefinitions(prefix, 1),
      ...['documents', 'predictions'].map((name) => ({ name, partitions: 2, retention: 'keep' as const })),
    ]);
    running = [];
    opens = [];
  });
  afterEach(async () => {
    await Promise.all(running.map((service) => service.stop()));
    database.close();
  });

  function start(): Service {
    const artifacts = {
      open: async (digest: string) => {
        opens.push(digest);
        return { folder: '/nowhere', manifest: {} };
      },
    } as unknown as ArtifactStore;
    const service = inferenceService({ prefix, eventLog, artifacts, pool, batch: 10 });
    running.push(service);
    return service;
  }
  const say = (...events: Event[]) =>
    eventLog.append(events.map((event) => ({ topic: topicName(prefix, event.name), record: encodeEvent(event) })));
  const deploy = (model: string) => say({ id: model, name: 'deployment.changed', key: 'task', body: { task: 'task', model } });
  const openPass = () =>
    say({
      id: 'live',
      name: 'pass.opened',
      key: 'task/live',
      body: { task: 'task', pass: 'live', kind: 'live', source: 'documents', predictions: 'predictions' },
    });
  const send = (...ids: string[]) =>
    eventLog.append(
      ids.map((id) => ({ topic: 'documents', record: encodeDocument(aDocument({ id, text: id === 'empty' ? ' ' : 'text' })) })),
    );
  async function predicted(): Promise<string[]> {
    const found: string[] = [];
    for (const partition of [0, 1]) {
      for await (const batch of eventLog.read('predictions', partition, 0))
        found.push(...batch.map((record) => decodePrediction(record).documentId));
    }
    return found.sort();
  }

  it('labels a source from its beginning and on, each document once through restarts', async () => {
    const ids = Array.from({ length: 50 }, (_, index) => `d${index + 10}`);
    await send(...ids, 'empty');
    await deploy('one');
    await openPass();
    const first = start();
    await vi.waitFor(async () => expect(await predicted()).toEqual(ids), { timeout: 5000 });
    await first.stop();
    await send('d90', 'd91');
    start();
    await vi.waitFor(async () => expect(await predicted()).toEqual([...ids, 'd90', 'd91']), { timeout: 5000 });
    const committed = await eventLog.committedOffsets(passGroup(prefix, 'task', 'live'), 'documents');
    expect(committed).toEqual(await eventLog.endOffsets('documents'));
    expect(await eventLog.endOffsets(deadLetterTopic(prefix, serviceName))).toEqual([1]);
    expect(opens).toEqual(['one', 'one']);
  });

  it('waits for a deployment where the pass is heard of first', async () => {
    await send('a');
    await openPass();
    start();
    await new Promise((done) => setTimeout(done, 100));
    expect(await predicted()).toEqual([]);
    await deploy('one');
    await vi.waitFor(async () => expect(await predicted()).toEqual(['a']), { timeout: 5000 });
  });
});
