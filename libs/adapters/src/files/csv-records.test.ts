import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readAll, type Scratch, scratchFolder } from './reading.fixture.ts';

let scratch: Scratch;
beforeEach(() => {
  scratch = scratchFolder();
});
afterEach(() => scratch.remove());

const textsOf = async (name: string, content: string) => {
  const { documents, rejections } = await readAll(scratch.write(name, content));
  return { texts: Object.fromEntries(documents.map(({ id, text }) => [id, text])), rejections };
};

describe('CSV', () => {
  it('reads quotes, doubled quotes, delimiters and line ends in fields', async () => {
    const { texts, rejections } = await textsOf(
      'a.csv',
      'id,text\r\n1,"a, ""b"""\r\n2,"two\r\nlines, ""\n"\n3,5" disk\r\n4,""\r\n\r\n5,"last"',
    );
    expect(texts).toEqual({ 1: 'a, "b"', 2: 'two\r\nlines, "\n', 3: '5" disk', 5: 'last' });
    expect(rejections).toEqual(['empty_text@7']);
  });

  it('rejects rows with another number of fields at their line', async () => {
    const { texts, rejections } = await textsOf('a.csv', 'id,text,n\n1,one,1\n2,two\n3,"th\nree",3,4\n5,five,5\n');
    expect(texts).toEqual({ 1: 'one', 5: 'five' });
    expect(rejections).toEqual(['wrong_column_count@3', 'wrong_column_count@4']);
  });

  it('loses one row to a quote that is never closed, and one to junk behind a closing quote', async () => {
    const { texts, rejections } = await textsOf('a.csv', 'id,text\n1,"one" more\n2,"two\n3,three\n4,four\n');
    expect(texts).toEqual({ 3: 'three', 4: 'four' });
    expect(rejections).toEqual(['broken_quoting@2', 'broken_quoting@3']);
  });

  it('gives up on an open quote after some megabytes and goes on behind it', async () => {
    const rows = Array.from({ length: 100_000 }, (_, index) => `${index + 10},${'filler '.repeat(15)}\n`).join('');
    const { documents, rejections } = await readAll(scratch.write('a.csv', `id,text\n1,"open\n${rows}`));
    expect(rejections).toEqual(['broken_quoting@2']);
    expect(documents).toHaveLength(100_000);
  });

  it.each([
    [';', 'id;text\n1;a, b, c\n2;d\n'],
    ['|', 'id|text\n1|a, b\n2|c\n'],
    ['tab', 'id\ttext\n1\ta, b\n2\tc\n'],
    [',', 'id,text\n1,a; b\n2,c\n'],
  ])('finds the delimiter %s', async (_, content) => {
    expect((await textsOf('a.csv', content)).texts).toHaveProperty('2');
  });

  it('reads one column, old Macintosh line ends, and columns without or with equal names', async () => {
    expect((await readAll(scratch.write('one.csv', 'text\n"hello, you"\nplain\n'))).documents.map((document) => document.text)).toEqual([
      'hello, you',
      'plain',
    ]);
    expect((await textsOf('mac.csv', 'id,text\r1,one\r2,"t\rwo"\r')).texts).toEqual({ 1: 'one', 2: 't\nwo' });
    const { documents, columns } = await readAll(scratch.write('names.csv', ',id,text,note,note\n0,a,one,x,y\n'));
    expect(columns.names).toEqual(['column_1', 'id', 'text', 'note', 'note_2']);
    expect(documents[0]!.metadata).toEqual({ column_1: '0', note: 'x', note_2: 'y' });
  });
});

describe('TSV', () => {
  it('takes quotes as CSV does, and literally where they make no sense', async () => {
    const { texts, rejections } = await textsOf('a.tsv', 'id\ttext\n1\t"a\tb"\n2\t"Well," he said\n3\t"open\n4\tfour\n');
    expect(texts).toEqual({ 1: 'a\tb', 2: '"Well," he said', 3: '"open', 4: 'four' });
    expect(rejections).toEqual([]);
  });
});
