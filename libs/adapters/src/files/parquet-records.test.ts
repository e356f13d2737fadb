import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { ByteWriter, type ColumnSource, parquetWrite, type SchemaElement } from 'hyparquet-writer';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readAll, type Scratch, scratchFolder } from './reading.fixture.ts';

let scratch: Scratch;
beforeEach(() => {
  scratch = scratchFolder();
});
afterEach(() => scratch.remove());

function parquet(columnData: ColumnSource[], options: { rowGroupSize?: number; pageSize?: number; schema?: SchemaElement[] } = {}): Buffer {
  const writer = new ByteWriter();
  parquetWrite({ writer, columnData, ...options });
  return Buffer.from(writer.getBytes());
}

describe('Parquet', () => {
  it('reads values of all kinds as text', async () => {
    const bytes = parquet([
      { name: 'id', data: [9007199254740993n, 2n], type: 'INT64' },
      { name: 'text', data: ['one', 'two'], type: 'STRING' },
      { name: 'score', data: [0.5, null], type: 'DOUBLE' },
      { name: 'flag', data: [true, false], type: 'BOOLEAN' },
      { name: 'when', data: [new Date('2024-01-02T03:04:05Z'), null], type: 'TIMESTAMP' },
      { name: 'nested', data: [{ a: [1] }, null], type: 'JSON' },
    ]);
    const file = scratch.write('a.parquet', bytes);
    const { documents, columns, items } = await readAll(file);
    expect(documents).toEqual([
      {
        id: '9007199254740993',
        text: 'one',
        metadata: { score: '0.5', flag: 'true', when: '2024-01-02T03:04:05.000Z', nested: '{"a":[1]}' },
      },
      { id: '2', text: 'two', metadata: { flag: 'false' } },
    ]);
    expect(columns.names).toEqual(['id', 'text', 'score', 'flag', 'when', 'nested']);
    expect(items[1]!.position).toEqual({ file, line: 2 });
  });

  it('reads lists and structs', async () => {
    const schema: SchemaElement[] = [
      { name: 'root', num_children: 2 },
      { name: 'text', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
      { name: 'tags', repetition_type: 'OPTIONAL', converted_type: 'LIST', num_children: 1 },
      { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
      { name: 'element', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
    ];
    const rows = 1000;
    const bytes = parquet(
      [
        { name: 'text', data: Array.from({ length: rows }, (_, index) => `text ${index}`) },
        { name: 'tags', data: Array.from({ length: rows }, (_, index) => Array.from({ length: index % 3 }, (_, tag) => `t${tag}`)) },
      ],
      { schema, rowGroupSize: 450 },
    );
    const { documents } = await readAll(scratch.write('a.parquet', bytes));
    expect(documents).toHaveLength(rows);
    for (const [index, { text, metadata }] of documents.entries()) {
      expect([text, metadata['tags']]).toEqual([`text ${index}`, JSON.stringify(['t0', 't1'].slice(0, index % 3))]);
    }
  });

  it('reads many pages and row groups, with dictionaries and nulls, in order', async () => {
    const rows = 5000;
    const bytes = parquet(
      [
        { name: 'id', data: Array.from({ length: rows }, (_, index) => `d${index}`), type: 'STRING' },
        { name: 'text', data: Array.from({ length: rows }, (_, index) => `text ${index} `.repeat(20)), type: 'STRING' },
        {
          name: 'label',
          data: Array.from({ length: rows }, (_, index) => (index % 7 === 0 ? null : ['a', 'b'][index % 2])),
          type: 'STRING',
        },
      ],
      { rowGroupSize: 2300, pageSize: 4096 },
    );
    const read = await readAll(scratch.write('a.parquet', bytes));
    expect(read.documents).toHaveLength(rows);
    for (const [index, { id, text, metadata }] of read.documents.entries()) {
      expect(id).toBe(`d${index}`);
      expect(text.startsWith(`text ${index} `)).toBe(true);
      expect(metadata).toEqual(index % 7 === 0 ? {} : { label: ['a', 'b'][index % 2] });
    }
  });

  it('reads it compressed, from standard input, and says where it is cut off', async () => {
    const rows = Array.from({ length: 300 }, (_, index) => `text ${index}`);
    const bytes = parquet([{ name: 'text', data: rows, type: 'STRING' }]);
    expect((await readAll(scratch.write('a.parquet.gz', gzipSync(bytes)))).documents).toHaveLength(300);
    expect((await readAll('-', { stdin: Readable.from([bytes]) })).documents).toHaveLength(300);
    await expect(readAll(scratch.write('cut.parquet', bytes.subarray(0, 500)))).rejects.toThrow(
      /cut\.parquet: the Parquet file cannot be read/,
    );
  });

  it('tells how far it is in bytes of the file', async () => {
    const rows = Array.from({ length: 20_000 }, (_, index) => `text ${index} ${(index * 7919) % 10_007}`);
    const bytes = parquet([{ name: 'text', data: rows, type: 'STRING' }]);
    let last = { bytesRead: 0, bytesTotal: 0 as number | null };
    await readAll(scratch.write('a.parquet', bytes), {
      onProgress: (progress) => {
        last = progress;
      },
    });
    expect(last).toEqual({ bytesRead: bytes.length, bytesTotal: bytes.length });
  });
});
