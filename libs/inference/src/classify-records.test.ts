import { deadLetterTopic, decodeDeadLetter, decodePrediction, encodeDocument } from '@llambert/contracts';
import type { ConsumedRecord, Document, ModelManifest } from '@llambert/domain';
import type { Classifier } from '@llambert/student';
import { aDocument } from '@llambert/testing';
import { describe, expect, it } from 'vitest';
import { classifyRecords, type LoadedModel, serviceName } from './classify-records.ts';

const labels = { kind: 'single', names: ['short', 'long'] } as const;
const target = { prefix: 'test', task: 'task', pass: 'live', predictionsTopic: 'predictions' };

/** Finds texts above ten characters long, and reads no more than twenty of them. */
const byLength: Classifier = {
  kind: 'linear',
  labels,
  close: async () => {},
  async classify(documents) {
    return {
      probabilities: Float32Array.from(documents.flatMap(({ text }) => (text.length > 10 ? [0.25, 0.75] : [0.75, 0.25]))),
      truncated: Uint8Array.from(documents.map(({ text }) => (text.length > 20 ? 1 : 0))),
    };
  },
};
const model: LoadedModel = {
  digest: 'digest',
  manifest: { labels, routing: { threshold: 0.5 } } as unknown as ModelManifest,
  classifier: byLength,
};

function record(offset: number, document: Document): ConsumedRecord {
  return { ...encodeDocument(document), topic: 'documents', partition: 0, offset };
}

describe('the hot path', () => {
  it('gives one output for each record, in their order: predictions, and dead letters with reasons', async () => {
    const broken: ConsumedRecord = {
      key: 'broken',
      value: Uint8Array.of(255, 255),
      headers: {},
      topic: 'documents',
      partition: 0,
      offset: 1,
    };
    const outputs = await classifyRecords(model, target, [
      record(0, aDocument({ id: 'a', text: 'short' })),
      broken,
      record(2, aDocument({ id: 'empty', text: ' \n' })),
      record(3, aDocument({ id: 'b', text: 'a text that is longer than twenty' })),
    ]);
    const dead = deadLetterTopic('test', serviceName);
    expect(outputs.map((output) => output.topic)).toEqual(['predictions', dead, dead, 'predictions']);
    const [first, second, third, fourth] = outputs.map((output) => output.record);
    expect(decodePrediction(first!)).toMatchObject({ documentId: 'a', labels: ['short'], truncated: false });
    expect(decodeDeadLetter(second!)).toMatchObject({ reason: 'undecodable', service: 'inference' });
    expect(Buffer.from(decodeDeadLetter(second!).record)).toEqual(Buffer.from(broken.value));
    expect(decodeDeadLetter(third!)).toMatchObject({ reason: 'empty_text', documentId: 'empty' });
    expect(decodePrediction(fourth!)).toMatchObject({ documentId: 'b', labels: ['long'], truncated: true });
  });

  it('gives nothing for nothing', async () => {
    expect(await classifyRecords(model, target, [])).toEqual([]);
  });
});
