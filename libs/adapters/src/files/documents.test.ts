import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { maxTextBytes } from '@llambert/domain';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readDocuments } from './documents.ts';
import { readAll, type Scratch, scratchFolder } from './reading.fixture.ts';

let scratch: Scratch;
beforeEach(() => {
  scratch = scratchFolder();
});
afterEach(() => scratch.remove());

describe('JSON Lines', () => {
  it('gives documents with their other columns as metadata, in order', async () => {
    const file = scratch.write('a.jsonl', '{"id":"a","text":"one","stars":5,"tags":["x"],"none":null}\n\n{"id":2,"text":"two"}');
    const read = await readAll(file);
    expect(read.documents).toEqual([
      { id: 'a', text: 'one', metadata: { stars: '5', tags: '["x"]' } },
      { id: '2', text: 'two', metadata: {} },
    ]);
    expect(read.items.map((item) => item.position)).toEqual([
      { file, line: 1 },
      { file, line: 3 },
    ]);
    expect(read.columns).toEqual({
      names: ['id', 'text', 'stars', 'tags', 'none'],
      id: 'id',
      text: 'text',
      textPair: null,
      types: [
        ['stars', 'integer'],
        ['tags', 'json'],
      ],
    });
  });

  it('rejects what is no document, with the line and the reason, and keeps the rest', async () => {
    const lines = [
      '{"id":"a","text":"good"}',
      '{"id":"b","text":"cut off',
      '["an","array"]',
      '{"text":"without id"}',
      '{"id":"","text":"empty id"}',
      '{"id":"c"}',
      '{"id":"d","text":"   "}',
      '{"id":"e","text":7}',
      '{"id":{"x":1},"text":"odd id"}',
      '{"id":"a","text":"again"}',
      '{"id":"f","text":"half \\ud83d"}',
      `{"id":"${'x'.repeat(600)}","text":"long id"}`,
      '{"id":"g","text":"good, too"}',
    ];
    const { documents, rejections, items } = await readAll(scratch.write('a.jsonl', lines.join('\r\n')));
    expect(documents.map((document) => document.id)).toEqual(['a', 'g']);
    expect(rejections).toEqual([
      'broken_json@2',
      'not_an_object@3',
      'missing_id@4',
      'missing_id@5',
      'missing_text@6',
      'empty_text@7',
      'wrong_type@8',
      'wrong_type@9',
      'duplicate_id@10',
      'invalid_unicode@11',
      'id_too_long@12',
    ]);
    expect(items[1]).toMatchObject({
      message: expect.stringContaining('{"id":"b","text":"cut off'),
      record: Uint8Array.from(Buffer.from(`${lines[1]}\r`)),
    });
    expect(items[9]).toMatchObject({ id: 'a' });
  });

  it('lets a good document have the id of one that was rejected', async () => {
    const { documents, rejections } = await readAll(scratch.write('a.jsonl', '{"id":"a","text":""}\n{"id":"a","text":"good"}\n'));
    expect(documents).toHaveLength(1);
    expect(rejections).toEqual(['empty_text@1']);
  });

  it('keeps numbers that no double holds as they were written', async () => {
    const { documents } = await readAll(scratch.write('a.jsonl', '{"id":12345678901234567890,"text":"t","x":[1.00000000000000000001]}\n'));
    expect(documents[0]).toMatchObject({ id: '12345678901234567890', metadata: { x: '[1.00000000000000000001]' } });
  });

  it('keeps ids beyond any double, and numbers that a double holds as they are usually written', async () => {
    const lines = '{"id":1e400,"text":"t"}\n{"id":-1e999,"text":"t"}\n{"id":1.0,"text":"1234567890123456"}\n{"id":1e3,"text":"t"}\n';
    const { documents } = await readAll(scratch.write('a.jsonl', lines));
    expect(documents.map(({ id }) => id)).toEqual(['1e400', '-1e999', '1', '1000']);
  });

  it('takes a key called __proto__ for a key', async () => {
    const { documents } = await readAll(scratch.write('a.jsonl', '{"id":"a","text":"t","__proto__":"x"}\n'));
    expect(Object.entries(documents[0]!.metadata)).toEqual([['__proto__', 'x']]);
  });

  it('passes over a line that is longer than any record, without holding it', async () => {
    const long = Buffer.alloc(9 * 1024 * 1024, 'x');
    const file = scratch.write(
      'a.jsonl',
      Buffer.concat([Buffer.from('{"id":"a","text":"t"}\n'), long, Buffer.from('\n{"id":"b","text":"t"}\n')]),
    );
    const { documents, rejections, items } = await readAll(file);
    expect(documents.map((document) => document.id)).toEqual(['a', 'b']);
    expect(rejections).toEqual(['record_too_long@2']);
    expect(items[1]!.kind === 'rejected' && items[1]!.record.length).toBeLessThan(10_000);
  });

  it('rejects a text above the limit', async () => {
    const { rejections } = await readAll(
      scratch.write('a.jsonl', `{"id":"a","text":"${'x'.repeat(maxTextBytes + 1)}"}\n{"id":"b","text":"t"}\n`),
    );
    expect(rejections).toEqual(['text_too_long@1']);
  });
});

describe('JSON arrays', () => {
  it('are read element by element, broken ones rejected at their line', async () => {
    const content =
      '[\n  {"id": "a", "text": "one, [\\"}"},\n  {"id": "b", "text": \n  "two"},\n  {"id": "c" "text": "x"},\n  7,\n  {"id": "d", "text": "four"}\n]\n';
    const { documents, rejections } = await readAll(scratch.write('a.json', content));
    expect(documents.map(({ id, text }) => [id, text])).toEqual([
      ['a', 'one, ["}'],
      ['b', 'two'],
      ['d', 'four'],
    ]);
    expect(rejections).toEqual(['broken_json@5', 'not_an_object@6']);
  });

  it('say that they are cut off, and keep what came before', async () => {
    const { documents, rejections } = await readAll(scratch.write('a.json', '[{"id":"a","text":"one"},\n{"id":"b","te'));
    expect(documents).toHaveLength(1);
    expect(rejections).toEqual(['broken_json@2']);
  });

  it('lose one element to a missing quote, not the rest', async () => {
    const { documents, rejections } = await readAll(
      scratch.write('a.json', '[{"id":"a","text":"one},\n{"id":"b","text":"two"},\n{"id":"c","text":"three"}]'),
    );
    expect(documents.map((document) => document.id)).toEqual(['b', 'c']);
    expect(rejections).toEqual(['broken_json@1']);
  });

  it('may be JSON Lines by another name, but not one object over several lines', async () => {
    expect((await readAll(scratch.write('a.json', '{"id":"a","text":"t"}\n{"id":"b","text":"t"}\n'))).documents).toHaveLength(2);
    await expect(readAll(scratch.write('b.json', '{\n  "data": [\n    {"text": "t",\n "id": 1}\n  ]\n}\n'))).rejects.toThrow(
      /one JSON object over several lines/,
    );
  });
});

describe('texts', () => {
  it('below a folder are a document each, sorted, named by their paths', async () => {
    scratch.write('docs/b/2.txt', 'two\n');
    scratch.write('docs/a.md', 'one\nline');
    scratch.write('docs/b/10.txt', 'ten');
    scratch.write('docs/b/empty.txt', '');
    scratch.write('docs/.hidden', 'no');
    scratch.write('docs/c.txt.gz', gzipSync('packed'));
    scratch.write('elsewhere.txt', 'linked');
    symlinkSync(join(scratch.folder, 'elsewhere.txt'), join(scratch.folder, 'docs/z.txt'));
    symlinkSync(join(scratch.folder, 'docs'), join(scratch.folder, 'docs/loop'));
    const read = await readAll(join(scratch.folder, 'docs'));
    expect(read.documents.map(({ id, text }) => [id, text])).toEqual([
      ['a.md', 'one\nline'],
      ['b/10.txt', 'ten'],
      ['b/2.txt', 'two\n'],
      ['c.txt.gz', 'packed'],
      ['z.txt', 'linked'],
    ]);
    expect(read.rejections).toEqual(['empty_text@1']);
    expect(read.columns).toEqual({ names: ['text'], id: null, text: 'text', textPair: null });
  });

  it('rejects files that are no text or too long, and keeps those beside them', async () => {
    scratch.write('docs/a.png', Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0, 0, 0xff, 0xfe, 0x9c, 0, 0xc3]));
    scratch.write('docs/b.txt', 'x'.repeat(5 * 1024 * 1024));
    scratch.write('docs/c.txt', 'fine');
    const { documents, items } = await readAll(join(scratch.folder, 'docs'));
    expect(documents.map((document) => document.id)).toEqual(['c.txt']);
    expect(items.map((item) => item.kind === 'rejected' && item.reason)).toEqual(['invalid_bytes', 'text_too_long', false]);
  });

  it('given alone are a document a line, which a notice says', async () => {
    const { documents, notices } = await readAll(scratch.write('notes.txt', 'one\r\n\nthree\n'));
    expect(documents.map(({ id, text }) => [id, text])).toEqual([
      ['notes.txt:1', 'one'],
      ['notes.txt:3', 'three'],
    ]);
    expect(notices.join()).toMatch(/each line is a document/);
  });

  it('does not mix with tables in a folder', async () => {
    scratch.write('docs/a.txt', 'one');
    scratch.write('docs/b.csv', 'id,text\n1,one\n');
    await expect(readAll(join(scratch.folder, 'docs'))).rejects.toThrow(/texts \(a.txt\) as well as tables \(b.csv\)/);
    expect((await readAll(join(scratch.folder, 'docs'), { format: 'text' })).documents).toHaveLength(2);
  });
});

describe('fields', () => {
  it('takes the one column whose name says so, and tells', async () => {
    const { documents, notices, columns } = await readAll(scratch.write('a.csv', 'ID,stars,Review\n1,5,nice\n'));
    expect(documents).toEqual([{ id: '1', text: 'nice', metadata: { stars: '5' } }]);
    expect(notices).toEqual(['the texts are taken from the column "Review"; --text-field names another']);
    expect(columns).toMatchObject({ id: 'ID', text: 'Review' });
  });

  it.each(['a,b\n1,2\n', 'review,comment\n1,2\n', 'id,label\n1,x\n'])('asks where it cannot be told: %j', async (content) => {
    await expect(readAll(scratch.write('a.csv', content))).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringMatching(/a\.csv: which column holds the text.*--text-field\. The columns are "/),
    });
  });

  it('takes those that were asked for, and says which columns there are where they are not', async () => {
    const file = scratch.write('a.csv', 'key,premise,hypothesis,id\nk1,p,h,7\nk2,p,,8\n');
    const { documents, rejections } = await readAll(file, { fields: { id: 'key', text: 'premise', textPair: 'hypothesis' } });
    expect(documents).toEqual([{ id: 'k1', text: 'p', textPair: 'h', metadata: { id: '7' } }]);
    expect(rejections).toEqual(['empty_text@3']);
    await expect(readAll(file, { fields: { text: 'body' } })).rejects.toThrow(/no column "body"\. The columns are "key", "premise"/);
    await expect(readAll(file, { fields: { id: 'key', text: 'key' } })).rejects.toThrow(/one column cannot be two/);
  });

  it('makes ids of file name and line where there is no id, distinct over files', async () => {
    const first = scratch.write('x/a.csv', 'text,n\none,1\ntwo,2\n');
    const second = scratch.write('y/a.csv', 'text,n\none,1\n');
    const alone = await readAll(first);
    expect(alone.documents.map((document) => document.id)).toEqual(['a.csv:2', 'a.csv:3']);
    expect(alone.notices.join()).toMatch(/ids are made of file name and line/);
    expect(new Set((await readAll([first, second])).documents.map((document) => document.id)).size).toBe(3);
  });

  it('wants the same fields of every file', async () => {
    const files = [scratch.write('a.csv', 'id,text\n1,one\n'), scratch.write('b.csv', 'id,body\n2,two\n')];
    await expect(readAll(files)).rejects.toThrow(/b\.csv: there is no column "text"/);
  });

  it('finds the same id in another file', async () => {
    const files = [scratch.write('a.jsonl', '{"id":"1","text":"one"}\n'), scratch.write('b.csv', 'id,text,more\n1,again,x\n2,two,y\n')];
    const { documents, rejections, columns } = await readAll(files);
    expect(documents.map((document) => document.text)).toEqual(['one', 'two']);
    expect(rejections).toEqual(['duplicate_id@2']);
    expect(columns.names).toEqual(['id', 'text', 'more']);
  });
});

describe('inputs as a whole', () => {
  it.each([
    ['nothing.jsonl', /no such file or folder/],
    ['empty.csv', /the file is empty/],
    ['empty.csv.gz', /the file is empty/],
    ['header.csv', /there are no records/],
    ['brackets.json', /there are no records/],
    ['folder', /holds no files/],
    ['book.xlsx', /no text in any known encoding.*spreadsheet/],
    ['fake.parquet', /no Parquet file/],
  ])('%s: says what is wrong and where', async (name, message) => {
    scratch.write('empty.csv', '');
    scratch.write('empty.csv.gz', gzipSync(''));
    scratch.write('header.csv', 'id,text\n');
    scratch.write('brackets.json', '[]');
    scratch.write('folder/.keep', '');
    scratch.write(
      'book.xlsx',
      Buffer.concat([Buffer.from('PK\x03\x04\0\0'), Buffer.from(Uint8Array.from({ length: 300 }, (_, index) => index % 256))]),
    );
    scratch.write('fake.parquet', 'id,text\n1,one\n');
    const path = join(scratch.folder, name);
    await expect(readAll(path)).rejects.toMatchObject({ code: 'invalid_input', message: expect.stringMatching(message) });
    await expect(readAll(path)).rejects.toThrow(name);
  });

  it('reads compressed files whatever their name, and says where one is cut off', async () => {
    const content = Array.from({ length: 5000 }, (_, index) => JSON.stringify({ id: `d${index}`, text: `text ${index * 7919}` })).join(
      '\n',
    );
    expect((await readAll(scratch.write('a.jsonl', gzipSync(content)))).documents).toHaveLength(5000);
    expect((await readAll(scratch.write('a.jsonl.zst', zstdCompressSync(content)))).documents).toHaveLength(5000);
    for (const [name, packed] of [
      ['cut.jsonl.gz', gzipSync(content)],
      ['cut.jsonl.zst', zstdCompressSync(content)],
    ] as const) {
      await expect(readAll(scratch.write(name, packed.subarray(0, packed.length / 2)))).rejects.toThrow(/cut\.jsonl.*cut off or corrupt/);
    }
  });

  it.each([
    ['jsonl', '{"id":"a","text":"one"}\n'],
    ['csv', 'id,text\na,"one"\n'],
    ['csv', 'id;text\na;one\nb;"x;y"\n'],
    ['tsv', 'id\ttext\na\tone\n'],
    ['text', 'one, two\nand some more, not in columns, of course\n'],
  ])('finds the format of standard input: %s', async (format, content) => {
    const { items, notices } = await readAll('-', { stdin: Readable.from([Buffer.from(content)]) });
    expect(items[0]).toMatchObject({ kind: 'document', position: { file: 'stdin' } });
    expect(notices[0]).toContain(`stdin is read as ${format}`);
  });

  it('refuses the same input twice, and none', async () => {
    const file = scratch.write('a.jsonl', '{"id":"a","text":"one"}\n');
    await expect(readAll([file, file])).rejects.toThrow(/given twice/);
    await expect(readAll([])).rejects.toThrow(/no input/);
  });
});

describe('batches', () => {
  const content = Array.from({ length: 1200 }, (_, index) => `d${index % 1100},${index % 50 === 0 ? '' : `text ${index}`}\n`).join('');

  it('are bounded and the same each time, however the bytes come', async () => {
    const file = scratch.write('a.csv', `id,text\n${content}`);
    const batchesOf = async (inputs: string[], stdin?: Readable) => {
      const batches: unknown[] = [];
      for await (const batch of readDocuments(inputs, { fields: {}, format: 'csv', ...(stdin === undefined ? {} : { stdin }) })) {
        batches.push(batch.map((item) => ({ ...item, position: item.position.line })));
      }
      return batches;
    };
    const whole = await batchesOf([file]);
    expect(whole.map((batch) => (batch as unknown[]).length)).toEqual([500, 500, 200]);
    const bytes = Buffer.from(`id,text\n${content}`);
    const dribble = Readable.from(
      Array.from({ length: Math.ceil(bytes.length / 7) }, (_, index) => bytes.subarray(index * 7, index * 7 + 7)),
    );
    expect(await batchesOf(['-'], dribble)).toEqual(whole);
  });

  it('are smaller where texts are large', async () => {
    const lines = Array.from({ length: 10 }, (_, index) => JSON.stringify({ id: index, text: 'x'.repeat(1024 * 1024) }));
    const sizes: number[] = [];
    for await (const batch of readDocuments([scratch.write('a.jsonl', lines.join('\n'))], { fields: {} })) sizes.push(batch.length);
    expect(Math.max(...sizes)).toBeLessThan(6);
  });

  it('come with the progress in bytes of the files', async () => {
    const file = scratch.write('a.csv', `id,text\n${content}`);
    const seen: { bytesRead: number; bytesTotal: number | null }[] = [];
    await readAll(file, { onProgress: (progress) => seen.push(progress) });
    const size = Buffer.byteLength(`id,text\n${content}`);
    expect(seen.at(-1)).toEqual({ bytesRead: size, bytesTotal: size });
    await readAll('-', { stdin: Readable.from([Buffer.from(content)]), onProgress: (progress) => seen.push(progress), format: 'text' });
    expect(seen.at(-1)!.bytesTotal).toBeNull();
  });

  it('can be left early, and the columns are unknown before the first', async () => {
    const reading = readDocuments([scratch.write('a.csv', `id,text\n${content}`)], { fields: {} });
    expect(() => reading.columns()).toThrow(RangeError);
    for await (const batch of reading) {
      expect(batch).toHaveLength(500);
      break;
    }
    expect(reading.columns().names).toEqual(['id', 'text']);
  });
});
