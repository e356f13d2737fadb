import { describe, expect, it } from 'vitest';
import { deadLetterRecord, decodeDeadLetter } from './dead-letter.ts';

const refused = { topic: 'p.films.documents.v1', partition: 2, offset: 7, key: 'd1', value: Uint8Array.of(1, 2, 3), headers: {} };

describe('deadLetterRecord', () => {
  it('keeps the record as it was, with where it stood and why it was refused', () => {
    const { topic, record } = deadLetterRecord('p', 'inference', refused, 'undecodable', 'not a document');
    expect(topic).toBe('p.inference.dead-letters.v1');
    expect(record.key).toBe('d1');
    expect(decodeDeadLetter(record)).toEqual({
      service: 'inference',
      reason: 'undecodable',
      message: 'not a document',
      position: 'p.films.documents.v1, partition 2, offset 7',
      documentId: 'd1',
      record: Uint8Array.of(1, 2, 3),
    });
  });

  it('takes no other record for a document', () => {
    const event = { ...refused, key: 'films', headers: { schema: 'llambert.round.v1.RoundsClosed' } };
    const { record } = deadLetterRecord('p', 'gateway', event, 'undecodable', 'broken');
    expect(decodeDeadLetter(record).documentId).toBeNull();
    expect(record.key).toBe('p.films.documents.v1, partition 2, offset 7');
  });

  it('goes on with the trace', () => {
    const traced = { ...refused, headers: { traceparent: '00-aa-bb-01' } };
    expect(deadLetterRecord('p', 'inference', traced, 'r', 'm').record.headers).toMatchObject({ traceparent: '00-aa-bb-01' });
  });
});
