import type { Document, PoolEntry } from '@llambert/domain';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byField, byScriptAndLength, scriptOf } from './strata.ts';

const documentOf = (text: string, more: Partial<Document> = {}): Document => ({ id: text, text, metadata: {}, ...more });
const poolOf = (documents: readonly Document[]): PoolEntry[] => documents.map((document) => ({ rank: document.id, document }));

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

describe('byScriptAndLength', () => {
  it('splits each script into thirds by its own lengths', () => {
    const latin = Array.from({ length: 30 }, (_, index) => documentOf('a'.repeat(index + 1)));
    const thai = Array.from({ length: 12 }, (_, index) => documentOf('ส'.repeat(100 * (index + 1))));
    const stratumOf = byScriptAndLength(poolOf([...latin, ...thai]));
    const counts = Map.groupBy([...latin, ...thai], stratumOf);
    expect(Object.fromEntries([...counts].map(([stratum, members]) => [stratum, members.length]))).toEqual({
      'Latin, short': 10,
      'Latin, middling': 10,
      'Latin, long': 10,
      'Thai, short': 4,
      'Thai, middling': 4,
      'Thai, long': 4,
    });
    expect(stratumOf(latin[0]!)).toBe('Latin, short');
    expect(stratumOf(latin[29]!)).toBe('Latin, long');
  });

  it('puts texts of one length into one class', () => {
    const same = Array.from({ length: 9 }, (_, index) => documentOf('same', { id: String(index) }));
    expect(new Set(same.map(byScriptAndLength(poolOf(same)))).size).toBe(1);
  });

  it('counts both texts of a pair', () => {
    const pairs = ['a', 'a'.repeat(50), 'a'.repeat(500)].map((textPair, index) => documentOf('same', { id: String(index), textPair }));
    expect(pairs.map(byScriptAndLength(poolOf(pairs)))).toEqual(['Latin, short', 'Latin, middling', 'Latin, long']);
  });
});

describe('byField', () => {
  it('has a stratum for each value, and one for documents without any', () => {
    const stratumOf = byField('channel');
    expect(stratumOf(documentOf('a', { metadata: { channel: 'mail' } }))).toBe('channel=mail');
    expect(stratumOf(documentOf('a'))).toBe('channel=');
  });
});
