import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodePrediction, encodeDocument } from '@llambert/contracts';
import type { ConsumedRecord, ModelManifest } from '@llambert/domain';
import { trainLinear } from '@llambert/student';
import { aDocument } from '@llambert/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClassifierPool, classifierPool } from './classifier-pool.ts';

const labels = { kind: 'single', names: ['late', 'paid'] } as const;
const target = { prefix: 'test', task: 'task', pass: 'live', predictionsTopic: 'predictions' };

describe('a pool of classifying threads', () => {
  let folder: string;
  let model: { digest: string; folder: string; manifest: ModelManifest };
  let pool: ClassifierPool;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'llambert-pool-'));
    const rows = Array.from({ length: 40 }, (_, index) => ({
      text: index % 2 === 0 ? `the parcel ${index} came late` : `the bill ${index} was paid`,
      target: index % 2 === 0 ? [1, 0] : [0, 1],
      weight: 1,
      fold: index % 5,
    }));
    const { model: student } = await trainLinear({ rows, labels, settings: { features: 'words', classWeights: 'none' } });
    await student.save(folder);
    const manifest = {
      student: 'linear',
      labels,
      calibration: { method: 'temperature', temperature: 1 },
      routing: { threshold: 0.5 },
    } as unknown as ModelManifest;
    model = { digest: 'one', folder, manifest };
    pool = classifierPool(3);
  });
  afterAll(async () => {
    await pool.close();
    rmSync(folder, { recursive: true });
  });

  const records = (count: number): ConsumedRecord[] =>
    Array.from({ length: count }, (_, index) => ({
      ...encodeDocument(aDocument({ id: `d${index}`, text: index % 3 === 0 ? 'it came late' : 'it was paid' })),
      topic: 'documents',
      partition: 0,
      offset: index,
    }));

  it.each([0, 1, 15, 500])('labels %i records, in their order', async (count) => {
    const outputs = await pool.classify(model, target, records(count));
    const predictions = outputs.map((output) => decodePrediction(output.record));
    expect(predictions.map((prediction) => prediction.documentId)).toEqual(records(count).map((record) => record.key));
    expect(predictions.map((prediction) => prediction.labels[0])).toEqual(
      records(count).map((_, index) => (index % 3 === 0 ? 'late' : 'paid')),
    );
  });

  it('says that a model is damaged, and goes on with a sound one', async () => {
    const damaged = { ...model, digest: 'two', folder: join(folder, 'nowhere') };
    await expect(pool.classify(damaged, target, records(100))).rejects.toMatchObject({ code: 'corrupt_artifact' });
    expect(await pool.classify(model, target, records(100))).toHaveLength(100);
  });

  it('refuses what it was asked when it is closed', async () => {
    const closing = classifierPool(1);
    const asked = closing.classify(model, target, records(2000)).catch((error: unknown) => error);
    await closing.close();
    expect(await asked).toMatchObject({ code: 'cancelled' });
  });
});
