import type { Document, PoolEntry } from '@llambert/domain';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scriptOf, strataOf } from './strata.ts';

const documentOf = (text: string, more: Partial<Document> = {}): Document => ({ id: text, text, metadata: {}, ...more });
/** The strata of these documents, in their order. */
async function strataIn(documents: readonly Document[], stratifyBy: string | null = null): Promise<string[]> {
  const pool = async function* (): AsyncGenerator<PoolEntry> {
    for (const document of documents) yield { rank: document.id, document };
  };
  const strata = await strataOf(pool(), stratifyBy);
  return documents.map(({ id }) => strata.get(id)!);
}

describe('scriptOf', () => {
  it.each([
    ['plain English', 'Latin'],
    ['Übergrößenträger', 'Latin'],
    ['商品が届きません。', 'Japanese'],
    ['商品没有收到', 'Han'],
    ['Товар не пришёл', 'Cyrillic'],
    ['لم يصل المنتج', 'Arabic'],
    ['상품이 오지 않았어요', 'Hangul'],
    ['สินค้ายังไม่ถึง', 'Thai'],
    ['सामान नहीं आया', 'Devanagari'],
    ['Το προϊόν', 'other'],
    ['12345 !?', 'other'],
    ['', 'other'],
    ['iPhone 15 の電源が入りません。充電できない', 'Japanese'],
    ['The writer says こんにちは to everybody', 'Latin'],
  ])('%s: %s', (text, script) => {
    expect(scriptOf(text)).toBe(script);
  });

  it('has a script for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 1000 }), (text) => {
        expect(scriptOf(text)).toMatch(/^[A-Za-z]+$/);
      }),
    );
  });
});

describe('strata by script and length', () => {
  it('split each script into thirds by its own lengths', async () => {
    const latin = Array.from({ length: 30 }, (_, index) => documentOf('a'.repeat(index + 1)));
    const thai = Array.from({ length: 12 }, (_, index) => documentOf('ส'.repeat(100 * (index + 1))));
    const strata = await strataIn([...latin, ...thai]);
    const counts = Map.groupBy(strata, (stratum) => stratum);
    expect(Object.fromEntries([...counts].map(([stratum, members]) => [stratum, members.length]))).toEqual({
      'Latin, short': 10,
      'Latin, middling': 10,
      'Latin, long': 10,
      'Thai, short': 4,
      'Thai, middling': 4,
      'Thai, long': 4,
    });
    expect([strata[0], strata[29]]).toEqual(['Latin, short', 'Latin, long']);
  });

  it('put texts of one length into one class', async () => {
    const same = Array.from({ length: 9 }, (_, index) => documentOf('same', { id: String(index) }));
    expect(new Set(await strataIn(same)).size).toBe(1);
  });

  it('count both texts of a pair', async () => {
    const pairs = ['a', 'a'.repeat(50), 'a'.repeat(500)].map((textPair, index) => documentOf('same', { id: String(index), textPair }));
    expect(await strataIn(pairs)).toEqual(['Latin, short', 'Latin, middling', 'Latin, long']);
  });
});

describe('strata by a field', () => {
  it('are one for each value, and one for documents without any', async () => {
    const documents = [documentOf('a', { metadata: { channel: 'mail' } }), documentOf('b')];
    expect(await strataIn(documents, 'channel')).toEqual(['channel=mail', 'channel=']);
  });
});
