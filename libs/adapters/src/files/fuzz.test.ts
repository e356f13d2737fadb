import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { LlambertError } from '@llambert/domain';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readDocuments } from './documents.ts';
import { readGold } from './gold.ts';
import { lookAtInput } from './look-at-input.ts';
import { readAll, type Scratch, scratchFolder } from './reading.fixture.ts';
import type { ReadItem } from './to-document.ts';
import { writeRows } from './write-rows.ts';

let scratch: Scratch;
beforeAll(() => {
  scratch = scratchFolder();
});
afterAll(() => scratch.remove());

const names = ['a.jsonl', 'a.json', 'a.csv', 'a.tsv', 'a.parquet', 'a.txt', 'a.unknown', 'folder/a.txt'];

/** Text that looks like one of the formats for a while. */
const almost = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '{"id":"a","text":"t"}',
        '\n',
        '\r\n',
        '"',
        ',',
        '\t',
        '[',
        ']',
        '{',
        '}',
        '\\',
        'id,text\n',
        'é',
        '表',
        ' ',
        'x,y\n',
        '"text":',
      ),
      fc.string({ unit: 'binary', maxLength: 5 }),
    ),
    { maxLength: 30 },
  )
  .map((parts) => Buffer.from(parts.join('')));

const bytes = fc.oneof(
  almost,
  fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)),
  almost.map((text) => gzipSync(text)),
  fc.tuple(almost, fc.nat(60)).map(([text, cut]) => gzipSync(text).subarray(0, cut)),
  almost.map((text) => Buffer.from(text.toString('utf8'), 'utf16le')),
  fc.tuple(almost, fc.uint8Array({ maxLength: 20 })).map(([text, tail]) => Buffer.concat([text, tail, text])),
);

async function readOrRefuse(path: string): Promise<ReadItem[] | string> {
  const items: ReadItem[] = [];
  try {
    for await (const batch of readDocuments([path], { fields: {} })) items.push(...batch);
    return items;
  } catch (error) {
    if (!(error instanceof LlambertError)) throw error;
    expect(error.code).toBe('invalid_input');
    return error.message;
  }
}

describe('any bytes', () => {
  it('are read, item by item, or refused as a whole: the same each time', async () => {
    await fc.assert(
      fc.asyncProperty(bytes, fc.constantFrom(...names), async (content, name) => {
        rmSync(join(scratch.folder, 'folder'), { recursive: true, force: true });
        const written = scratch.write(name, content);
        const path = name.startsWith('folder') ? join(scratch.folder, 'folder') : written;
        const first = await readOrRefuse(path);
        expect(await readOrRefuse(path)).toEqual(first);
        if (typeof first === 'string') return;
        for (const item of first) {
          if (item.kind === 'rejected') expect(item.message).not.toBe('');
          else expect(item.document.text.trim()).not.toBe('');
        }
      }),
      { numRuns: 500 },
    );
  });

  it('do not break the gold file or the first look', async () => {
    await fc.assert(
      fc.asyncProperty(bytes, fc.constantFrom(...names.slice(0, -1)), async (content, name) => {
        const path = scratch.write(name, content);
        for (const action of [() => readGold(path), () => lookAtInput([path], { fields: {}, limit: 5 })]) {
          await action().catch((error: unknown) => expect(error).toBeInstanceOf(LlambertError));
        }
      }),
      { numRuns: 200 },
    );
  });

  it('put into a good Parquet file do not break more than the reading of that file', async () => {
    const { readFileSync } = await import('node:fs');
    const path = join(scratch.folder, 'whole.parquet');
    await writeRows(
      path,
      'parquet',
      null,
      Array.from({ length: 300 }, (_, index) => ({ id: `d${index}`, text: `text ${index % 5}`, n: index })),
    );
    const whole = readFileSync(path);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }), async (changes) => {
        const changed = Buffer.from(whole);
        for (const [at, byte] of changes) changed[at] = byte;
        await readOrRefuse(scratch.write('changed.parquet', changed));
      }),
      { numRuns: 300 },
    );
  });
});

describe('what is written', () => {
  const value = fc.string({ unit: 'grapheme', maxLength: 40 });
  const document = fc.record({ text: value.filter((text) => text.trim() !== ''), 'a; "b"': value, c: value });

  it.each(['jsonl', 'csv', 'parquet'] as const)('%s is read again', async (format) => {
    await fc.assert(
      fc.asyncProperty(fc.array(document, { minLength: 1, maxLength: 20 }), async (documents) => {
        const path = join(scratch.folder, `round.${format}`);
        await writeRows(
          path,
          format,
          null,
          documents.map((fields, index) => ({ id: `d${index}`, ...fields })),
        );
        const read = await readAll(path);
        expect(read.documents).toEqual(documents.map(({ text, ...metadata }, index) => ({ id: `d${index}`, text, metadata })));
      }),
      { numRuns: 100 },
    );
  });
});
