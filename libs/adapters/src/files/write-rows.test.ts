import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, lstatSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { parquetReadObjects } from 'hyparquet';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readAll, type Scratch, scratchFolder } from './reading.fixture.ts';
import { writeTextAtomically } from './whole-file.ts';
import { writeRows } from './write-rows.ts';

let scratch: Scratch;
beforeEach(() => {
  scratch = scratchFolder();
});
afterEach(() => scratch.remove());

const rows = [
  { id: 'a', label: 'x', probability: 0.5, probabilities: { x: 0.5, y: 0.5 }, truncated: false },
  { id: 'b, "c"\n', label: null, probability: 1, probabilities: { x: 1 }, extra: 1 },
];
const columns = ['id', 'label', 'probability', 'probabilities', 'truncated'];
const at = (name: string) => join(scratch.folder, name);

describe('formats', () => {
  it('writes JSON Lines, all of a row or the columns that are wanted', async () => {
    expect(await writeRows(at('a.jsonl'), 'jsonl', null, rows)).toBe(2);
    expect(readFileSync(at('a.jsonl'), 'utf8')).toBe(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    await writeRows(at('a.jsonl'), 'jsonl', ['label', 'id'], rows);
    expect(readFileSync(at('a.jsonl'), 'utf8')).toBe('{"label":"x","id":"a"}\n{"label":null,"id":"b, \\"c\\"\\n"}\n');
  });

  it('writes CSV with nested values as JSON', async () => {
    await writeRows(at('a.csv'), 'csv', columns, rows);
    expect(readFileSync(at('a.csv'), 'utf8')).toBe(
      'id,label,probability,probabilities,truncated\na,x,0.5,"{""x"":0.5,""y"":0.5}",false\n"b, ""c""\n",,1,"{""x"":1}",\n',
    );
    await writeRows(at('b.csv'), 'csv', columns, []);
    expect(readFileSync(at('b.csv'), 'utf8')).toBe(`${columns.join(',')}\n`);
    await writeRows(at('c.csv'), 'csv', null, rows.slice(0, 1));
    expect(readFileSync(at('c.csv'), 'utf8')).toMatch(/^id,label,probability,probabilities,truncated\na,/);
  });

  it('writes Parquet in row groups, typed by the first rows', async () => {
    const many = Array.from({ length: 12_000 }, (_, index) => ({ ...rows[index % 2], id: `d${index}` }));
    expect(await writeRows(at('a.parquet'), 'parquet', columns, many)).toBe(12_000);
    const bytes = readFileSync(at('a.parquet'));
    const read = await parquetReadObjects({ file: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer });
    expect(read).toHaveLength(12_000);
    expect(read[11_998]).toEqual({ id: 'd11998', label: 'x', probability: 0.5, probabilities: '{"x":0.5,"y":0.5}', truncated: false });
    expect(read[11_999]).toMatchObject({ id: 'd11999', label: null, truncated: null });
    await expect(
      writeRows(at('b.parquet'), 'parquet', ['n'], [...Array.from({ length: 20_000 }, () => ({ n: 1 })), { n: 'x' }]),
    ).rejects.toThrow(RangeError);
    expect(await writeRows(at('c.parquet'), 'parquet', columns, [])).toBe(0);
  });

  it('writes bigints as they are', async () => {
    await writeRows(at('a.parquet'), 'parquet', null, [{ n: 9007199254740993n }, { n: null }]);
    const { buffer, byteOffset, length } = readFileSync(at('a.parquet'));
    expect(await parquetReadObjects({ file: buffer.slice(byteOffset, byteOffset + length) as ArrayBuffer })).toEqual([
      { n: 9007199254740993n },
      { n: null },
    ]);
    await writeRows(at('a.csv'), 'csv', null, [{ n: 9007199254740993n }]);
    expect(readFileSync(at('a.csv'), 'utf8')).toBe('n\n9007199254740993\n');
  });

  it('compresses what ends in .gz', async () => {
    await writeRows(at('a.csv.gz'), 'csv', ['id'], [{ id: '' }, { id: 'x' }]);
    expect(gunzipSync(readFileSync(at('a.csv.gz'))).toString()).toBe('id\n""\nx\n');
  });

  it.each(['jsonl', 'csv', 'parquet'] as const)('%s is read again as it was written', async (format) => {
    const documents = Array.from({ length: 700 }, (_, index) => ({
      id: `d${index}`,
      text: `text "${index}"\n; |\t,`,
      note: ` n${index} `,
    }));
    await writeRows(at(`a.${format}`), format, null, documents);
    const read = await readAll(at(`a.${format}`));
    expect(read.documents).toEqual(documents.map(({ id, text, note }) => ({ id, text, metadata: { note } })));
  });
});

describe('whole or not at all', () => {
  async function* failing() {
    yield { id: 'new' };
    throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
  }

  it.each(['jsonl', 'csv', 'parquet'] as const)('%s: leaves the old file and nothing else where writing fails', async (format) => {
    const file = scratch.write(`a.${format}`, 'old');
    const failure = writeRows(file, format, ['id'], failing());
    await expect(failure).rejects.toMatchObject({ code: 'disk_full', message: expect.stringContaining(file) });
    expect(readFileSync(file, 'utf8')).toBe('old');
    expect(readdirSync(scratch.folder)).toEqual([`a.${format}`]);
  });

  it('passes on what the rows throw', async () => {
    const rowsThatThrow = (function* () {
      yield { id: 1 };
      throw new TypeError('ours');
    })();
    await expect(writeRows(at('a.csv'), 'csv', null, rowsThatThrow)).rejects.toThrow(TypeError);
    expect(readdirSync(scratch.folder)).toEqual([]);
  });

  it('does not show an unfinished file under its name', async () => {
    await writeRows(
      at('a.jsonl'),
      'jsonl',
      null,
      (function* () {
        yield { id: 1 };
        expect(existsSync(at('a.jsonl'))).toBe(false);
      })(),
    );
    expect(existsSync(at('a.jsonl'))).toBe(true);
  });

  it('removes what a killed process left of the same file, and nothing else', async () => {
    const uuid = '01234567-89ab-cdef-0123-456789abcdef';
    const ended = spawn(process.execPath, ['--version']);
    await once(ended, 'exit');
    scratch.write(`.a.jsonl.${ended.pid}.${uuid}.tmp`, 'half');
    scratch.write(`.a.jsonl.${process.pid}.${uuid}.tmp`, 'ours');
    scratch.write(`.b.jsonl.${ended.pid}.${uuid}.tmp`, 'of another');
    await writeTextAtomically(at('a.jsonl'), 'whole');
    expect(readdirSync(scratch.folder).sort()).toEqual([
      `.a.jsonl.${process.pid}.${uuid}.tmp`,
      `.b.jsonl.${ended.pid}.${uuid}.tmp`,
      'a.jsonl',
    ]);
  });

  it('writes through links', async () => {
    const real = scratch.write('real.json', 'old');
    symlinkSync(real, at('link.json'));
    await writeTextAtomically(at('link.json'), 'new');
    expect(readFileSync(real, 'utf8')).toBe('new');
    expect(lstatSync(at('link.json')).isSymbolicLink()).toBe(true);
  });

  it('says why a place cannot be written', async () => {
    await expect(writeTextAtomically(at('none/a.txt'), '')).rejects.toThrow(/none\/a\.txt: its folder is not there/);
    await expect(writeTextAtomically(scratch.folder, '')).rejects.toThrow(/it is a folder/);
    scratch.write('file', '');
    await expect(writeTextAtomically(at('file/a.txt'), '')).rejects.toMatchObject({ code: 'invalid_input' });
  });
});

describe('standard output', () => {
  const module = new URL('./write-rows.ts', import.meta.url).href;
  const script = `
    import { writeRows } from ${JSON.stringify(module)};
    function* rows() { for (let id = 0; id < 50000; id++) yield { id, text: 'x'.repeat(100) }; }
    try {
      const written = await writeRows('-', 'jsonl', null, rows());
      console.error(JSON.stringify({ written }));
    } catch (error) {
      console.error(JSON.stringify({ code: error.code, message: error.message }));
    }`;
  const shell = async (tail: string) => {
    const command = `"$0" --input-type=module --eval "$1" ${tail}`;
    return promisify(execFile)('/bin/sh', ['-c', command, process.execPath, script], { maxBuffer: 64 * 1024 * 1024 });
  };

  it('gets all rows', async () => {
    const { stdout, stderr } = await shell('');
    expect(stdout.trimEnd().split('\n')).toHaveLength(50_000);
    expect(JSON.parse(stderr)).toEqual({ written: 50_000 });
  });

  it('may be closed by a reader that has enough', async () => {
    const { stdout, stderr } = await shell('| head -n 2');
    expect(stdout.trimEnd().split('\n')).toHaveLength(2);
    expect(JSON.parse(stderr).written).toBeLessThan(50_000);
  });

  it.skipIf(!existsSync('/dev/full'))('says that the disk is full', async () => {
    const { stderr } = await shell('> /dev/full');
    expect(JSON.parse(stderr)).toMatchObject({ code: 'disk_full', message: expect.stringContaining('standard output') });
  });
});
