import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Document } from '@llambert/domain';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { drawDocuments, UniformDraw } from './draw-documents.ts';

const documentOf = (id: number, length = 1): Document => ({ id: String(id), text: 'x'.repeat(length), metadata: {} });

function drawn(documents: readonly Document[], count: number, maxCharacters = Number.POSITIVE_INFINITY, key = 'key'): string[] {
  const draw = new UniformDraw({ key, count, maxCharacters });
  for (const document of documents) draw.add(document);
  return draw.documents().map(({ id }) => id);
}

describe('UniformDraw', () => {
  it('is the same in whatever order documents come, and a smaller draw is its beginning', () => {
    const ids = fc.uniqueArray(fc.nat(5000), { maxLength: 300 });
    fc.assert(
      fc.property(ids, fc.integer({ min: 1, max: 50 }), (numbers, count) => {
        const documents = numbers.map((id) => documentOf(id));
        const draw = drawn(documents, count);
        expect(draw).toHaveLength(Math.min(count, numbers.length));
        expect(drawn(documents.toReversed(), count)).toEqual(draw);
        expect(drawn(documents, count + 10).slice(0, count)).toEqual(draw);
      }),
    );
  });

  it('draws every document equally often', () => {
    const documents = Array.from({ length: 20 }, (_, id) => documentOf(id));
    const times = new Map<string, number>();
    for (let key = 0; key < 2000; key++)
      for (const id of drawn(documents, 5, undefined, `key ${key}`)) times.set(id, (times.get(id) ?? 0) + 1);
    // 500 expected of each, with a standard deviation of 19.
    for (const { id } of documents) expect(Math.abs(times.get(id)! - 500)).toBeLessThan(100);
  });

  it('holds no more text than it may, the same in whatever order, and at least one document', () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 100 });
    fc.assert(
      fc.property(lengths, fc.integer({ min: 1, max: 200 }), (sizes, maxCharacters) => {
        const documents = sizes.map((size, id) => documentOf(id, size));
        const draw = drawn(documents, 60, maxCharacters);
        const held = draw.reduce((sum, id) => sum + sizes[Number(id)]!, 0);
        expect(held <= maxCharacters || draw.length === 1).toBe(true);
        expect(drawn(documents.toReversed(), 60, maxCharacters)).toEqual(draw);
      }),
    );
  });
});

describe('drawDocuments', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'llambert-draw-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const notices: string[] = [];
  const reporter = { step() {}, progress() {}, notice: (message: string) => void notices.push(message), end() {} };
  const draw = (content: string, signal = new AbortController().signal) => {
    writeFileSync(join(folder, 'in.jsonl'), content);
    return drawDocuments(
      { inputs: [join(folder, 'in.jsonl')], reading: { fields: {} }, count: 2, maxCharacters: 1e6, key: 'k' },
      reporter,
      signal,
    );
  };

  it('counts all documents and says what it leaves out', async () => {
    const result = await draw('{"id":"1","text":"a"}\nbroken\n{"id":"2","text":"b"}\n{"id":"3","text":"c"}\n');
    expect(result).toMatchObject({ total: 3, refused: 1 });
    expect(result.documents).toHaveLength(2);
    expect(notices.join('\n')).toContain('in.jsonl:2');
  });

  it('refuses an input without documents, and stops on request', async () => {
    await expect(draw('{"id":"1","text":""}\n')).rejects.toMatchObject({ code: 'invalid_input' });
    await expect(draw('{"id":"1","text":"a"}\n', AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
  });
});
