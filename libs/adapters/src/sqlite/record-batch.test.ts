import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBatch, encodeBatches } from './record-batch.ts';

const place = { topic: 't', partition: 0, baseOffset: 7 };
const anyRecord = fc.record({
  key: fc.string({ unit: 'grapheme' }),
  value: fc.uint8Array({ maxLength: 3000 }),
  headers: fc.constantFrom<Record<string, string>>({}, { a: 'b' }, { a: 'b', ä: '本' }),
});

describe('record batches', () => {
  it('give back what went in, with offsets from the base on', () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { minLength: 1, maxLength: 30 }), (records) => {
        const [batch, ...others] = encodeBatches(records);
        expect(others).toEqual([]);
        const decoded = decodeBatch(batch!.payload, place);
        expect(decoded.map(({ key, value, headers }) => ({ key, value: [...value], headers }))).toEqual(
          records.map(({ key, value, headers }) => ({ key, value: [...value], headers })),
        );
        expect(decoded.map(({ offset }) => offset)).toEqual(records.map((_, index) => 7 + index));
      }),
      { numRuns: 100 },
    );
  });

  it('are cut at 1,000 records and at about 1 MiB', () => {
    const record = (bytes: number) => ({ key: 'k', value: new Uint8Array(bytes), headers: {} });
    expect(encodeBatches(Array.from({ length: 2500 }, () => record(1))).map(({ count }) => count)).toEqual([1000, 1000, 500]);
    expect(encodeBatches([record(10), record(3 << 20), record(600_000), record(600_000)]).map(({ count }) => count)).toEqual([1, 1, 1, 1]);
    expect(encodeBatches([])).toEqual([]);
  });

  it('never give out bytes that were not written as records: damage ends in an error', () => {
    const records = Array.from({ length: 40 }, (_, index) => ({
      key: `k${index}`,
      value: Buffer.from('some text '.repeat(index)),
      headers: {},
    }));
    const { payload } = encodeBatches(records)[0]!;
    fc.assert(
      fc.property(fc.nat(payload.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const damaged = payload.slice();
        damaged[at]! ^= flip;
        expect(() => decodeBatch(damaged, place)).toThrow();
      }),
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void decodeOrThrow(bytes)));
  });
});

/** Any bytes: it ends, and by an Error where they are no batch. */
function decodeOrThrow(bytes: Uint8Array): void {
  try {
    decodeBatch(bytes, place);
  } catch (error) {
    expect(error).toBeInstanceOf(Error);
  }
}
