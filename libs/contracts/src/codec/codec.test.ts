import { canonicalJson, LlambertError, type LogRecord } from '@llambert/domain';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deadLetters, documents, eventNames, eventsNamed, predictions } from './arbitraries.fixture.ts';
import { decodeDeadLetter, encodeDeadLetter } from './dead-letter.ts';
import { decodeDocument, encodeDocument } from './document.ts';
import { decodeEvent, encodeEvent } from './event.ts';
import { decodePrediction, encodePrediction } from './prediction.ts';

interface Case {
  readonly name: string;
  readonly values: fc.Arbitrary<unknown>;
  readonly records: fc.Arbitrary<LogRecord>;
  readonly encode: (value: never) => LogRecord;
  readonly decode: (record: LogRecord) => unknown;
}

function caseOf<T>(name: string, values: fc.Arbitrary<T>, encode: (value: T) => LogRecord, decode: (record: LogRecord) => unknown): Case {
  return { name, values, records: values.map(encode), encode, decode };
}

const cases: readonly Case[] = [
  caseOf('document', documents, encodeDocument, decodeDocument),
  caseOf('prediction', predictions, encodePrediction, decodePrediction),
  caseOf('dead letter', deadLetters, encodeDeadLetter, decodeDeadLetter),
  ...eventNames.map((name) => caseOf(name, eventsNamed(name), encodeEvent, (record) => decodeEvent(name, record))),
];

/** Decodes or refuses in the agreed way; anything else fails the test. */
function refusesProperly(decode: (record: LogRecord) => unknown, record: LogRecord): void {
  try {
    decode(record);
  } catch (error) {
    expect(error).toBeInstanceOf(LlambertError);
    expect(error).toMatchObject({ code: 'invalid_input' });
  }
}

const asJson = (value: unknown): LogRecord => ({
  key: '',
  value: Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
  headers: { 'content-type': 'application/json' },
});

describe.each(cases)('$name', ({ values, records, encode, decode }) => {
  it('comes back as it went', () => {
    fc.assert(
      fc.property(values, (value) => {
        const body = typeof value === 'object' && value !== null && 'body' in value ? value.body : value;
        const read = decode(encode(value as never));
        expect(read).toEqual(body);
        // Hashes are taken over canonical JSON: keys with undefined values or other numbers would change them.
        expect(canonicalJson(read)).toBe(canonicalJson(body));
      }),
    );
  });

  it('never crashes on bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.constantFrom({}, { 'content-type': 'application/json' }), (value, headers) =>
        refusesProperly(decode, { key: '', value, headers }),
      ),
    );
  });

  it('never crashes on a damaged encoding', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(records, damage, fc.boolean(), (record, changes, cut) => {
        const value = record.value.slice(0, cut ? Math.floor(record.value.length / 2) : undefined);
        for (const [position, byte] of changes) if (value.length > 0) value[position % value.length] = byte;
        refusesProperly(decode, { ...record, value });
      }),
    );
  });

  it('never crashes on JSON', () => {
    fc.assert(fc.property(fc.oneof(fc.jsonValue(), fc.string()), (value) => refusesProperly(decode, asJson(value))));
  });
});

describe('headers', () => {
  const document = { id: 'd1', text: 'hello', metadata: {} };

  it('says what a record holds', () => {
    expect(encodeDocument(document)).toMatchObject({
      key: 'd1',
      headers: { 'content-type': 'application/x-protobuf', schema: 'llambert.document.v1.Document' },
    });
  });

  it('carries an event id and the trace', () => {
    const record = encodeEvent(
      { id: 'e1', name: 'deployment.changed', key: 'films', body: { task: 'films', model: 'abc' } },
      { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' },
    );
    expect(record.key).toBe('films');
    expect(record.headers).toMatchObject({ 'event-id': 'e1', traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' });
  });

  it('reads Protobuf without any header', () => {
    expect(decodeDocument({ ...encodeDocument(document), headers: {} })).toEqual(document);
  });

  it('refuses another message and another content type', () => {
    expect(() => decodePrediction(encodeDocument(document))).toThrow(
      /holds a llambert.document.v1.Document where a llambert.prediction.v1.Prediction/,
    );
    expect(() => decodeDocument({ ...encodeDocument(document), headers: { 'content-type': 'text/csv' } })).toThrow(
      /content type text\/csv/,
    );
  });
});

describe('JSON', () => {
  it('follows the proto3 mapping', () => {
    const json = { id: 'd1', text: 'premise', textPair: 'hypothesis', metadata: { from: 'shop' } };
    expect(decodeDocument(asJson(json))).toEqual(json);
    expect(decodeDocument(asJson({ id: 'd1', text: 'premise', text_pair: 'hypothesis', metadata: null }))).toEqual({
      ...json,
      metadata: {},
    });
    const letter = { service: 's', reason: 'r', message: 'm', position: 'p', record: 'AQI=' };
    expect(decodeDeadLetter(asJson(letter))).toEqual({ ...letter, documentId: null, record: Uint8Array.of(1, 2) });
  });

  it('has no names of columns that it loses', () => {
    const metadata = Object.fromEntries(['__proto__', 'constructor', 'toString', ''].map((name) => [name, 'kept']));
    const document = { id: 'd1', text: 'x', metadata };
    expect(Object.entries(decodeDocument(asJson(document)).metadata)).toEqual(Object.entries(metadata));
    expect(Object.entries(decodeDocument(encodeDocument(document)).metadata)).toEqual(Object.entries(metadata));
  });

  it('takes 64-bit numbers as text and enums by name', () => {
    const opened = { task: 't', round: 1, samples: 2, deadlineUnixMs: '1700000000000', quorum: 0.9 };
    expect(decodeEvent('round.opened', asJson(opened))).toEqual({
      task: 't',
      round: 1,
      samples: 2,
      deadline: 1_700_000_000_000,
      quorum: 0.9,
    });
    expect(decodeEvent('round.closed', asJson({ task: 't', rounds: 3, end: 'ROUNDS_END_PLATEAU' }))).toEqual({
      task: 't',
      rounds: 3,
      end: 'plateau',
    });
  });

  it('takes a content type with parameters, and a byte-order mark', () => {
    const record = {
      key: '',
      value: Buffer.from('\ufeff{"id":"d1","text":"x"}'),
      headers: { 'content-type': 'Application/JSON; charset=utf-8' },
    };
    expect(decodeDocument(record)).toEqual({ id: 'd1', text: 'x', metadata: {} });
  });

  it.each([
    ['an unknown field', { id: 'd1', text: 'x', txet: 'y' }, /txet/],
    ['a wrong type', { id: 1, text: 'x' }, /Document\.id/],
    ['a list', [], /Document/],
    ['broken JSON', '{"id": ', /JSON/],
    ['half a surrogate pair', '{"id": "d1", "text": "\\ud800"}', /Document\.text/],
  ])('refuses %s, naming the field', (_, json, message) => {
    expect(() => decodeDocument(asJson(json))).toThrow(message);
  });

  it('refuses both members of a oneof', () => {
    const both = { usage: {}, annotation: { labels: ['a'] }, rejection: { reason: 'REJECTION_REASON_REFUSED' } };
    expect(() => decodeEvent('sample.answered', asJson(both))).toThrow(/oneof/);
  });
});

describe('what Protobuf lets through and the domain does not', () => {
  it.each([
    ['a missing message', () => decodeEvent('sample.drawn', asJson({ strategy: 'DRAW_STRATEGY_UNIFORM' })), /document is missing/],
    ['a missing enum', () => decodeEvent('round.closed', asJson({ task: 't' })), /end is missing/],
    ['an enum number of a later version', () => decodeEvent('round.closed', asJson({ task: 't', end: 99 })), /end is 99/],
    ['a missing oneof', () => decodeEvent('sample.answered', asJson({ usage: {} })), /annotation or rejection is missing/],
    ['a probability above 1', () => decodePrediction(asJson({ route: 'ROUTE_AUTO', probability: 1.5 })), /probability is 1.5/],
    ['NaN', () => decodePrediction(asJson({ route: 'ROUTE_AUTO', probabilities: ['NaN'] })), /probabilities is NaN/],
    [
      'negative money',
      () => decodeEvent('sample.answered', asJson({ usage: {}, costNanoUsd: '-1', annotation: {} })),
      /cost_nano_usd is -1/,
    ],
    ['an integer beyond doubles', () => decodeEvent('round.opened', asJson({ deadlineUnixMs: '9007199254740993' })), /deadline_unix_ms/],
    [
      'bytes that are not UTF-8',
      () => decodeDocument({ value: Uint8Array.of(0x0a, 0x02, 0xc3, 0x28), headers: {} }),
      /llambert.document.v1.Document/,
    ],
    ['bytes after the end', () => decodeDocument({ value: Uint8Array.of(0x0a, 0x01, 0x61, 0x00, 0x01), headers: {} }), /ends at byte/],
  ])('refuses %s', (_, decode, message) => {
    expect(decode).toThrow(message);
  });
});
