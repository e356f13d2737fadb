import { describe, expect, it } from 'vitest';
import { columnTypes } from './column-types.ts';
import type { FieldValue, SourceRecord } from './record.ts';

const record = (fields: Readonly<Record<string, FieldValue>>): SourceRecord => ({
  kind: 'fields',
  position: { file: 'a', line: 1 },
  names: Object.keys(fields),
  values: Object.values(fields),
  raw: new Uint8Array(),
});
const typeOf = (...values: (string | { json: string } | null)[]) => {
  const columns = columnTypes(10);
  columns.see(values.map((x) => record({ x })));
  return new Map(columns.types()).get('x');
};
const json = (text: string) => ({ json: text });

describe('the type of a column', () => {
  it.each([
    ['integer', ['1', '-20', '0']],
    ['long', ['1', '9007199254740993']],
    ['number', ['1', '0.5', '1e3', 'NaN']],
    ['boolean', ['true', 'false']],
    ['json', ['[1]', '{"a":1}']],
    ['json', ['1', 'true']],
    ['json', ['9007199254740993', '0.5']],
    ['json', ['12345678901234567890123']],
    ['json', ['1e400']],
  ])('is %s of %j', (type, values) => expect(typeOf(...values.map(json), null)).toBe(type));

  it('is not known where a string is among them, first or last', () => {
    expect(typeOf('1', json('1'))).toBeUndefined();
    expect(typeOf(json('1'), '1')).toBeUndefined();
    expect(typeOf(null)).toBeUndefined();
  });

  it('goes with nulls where every record has the column, and with nothing where one lacks it', () => {
    const columns = columnTypes(3);
    columns.see([
      record({ a: null, b: null }),
      { ...record({}), kind: 'broken', reason: 'broken_json', message: '' },
      record({ a: 'x', c: 'y', d: 'z' }),
    ]);
    expect(columns.nullable()).toEqual(['a']);
    expect(columns.names()).toEqual(['a', 'b', 'c']);
  });
});
