import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { goldRole } from './gold.ts';
import { canonicalJson, digestOf, hashFraction } from './identity.ts';

describe('canonicalJson', () => {
  it('is JSON that does not depend on the order of keys', () => {
    expect(canonicalJson({ b: [1, { d: null, c: 'x' }], a: undefined })).toBe('{"b":[1,{"c":"x","d":null}]}');
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const reversed = Object.fromEntries(Object.entries(value).reverse());
        expect(canonicalJson(reversed)).toBe(canonicalJson(value));
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});

describe('digestOf', () => {
  it('tells apart lists of parts that join to the same text', () => {
    expect(digestOf('ab', 'c')).not.toBe(digestOf('a', 'bc'));
    expect(digestOf('ab')).not.toBe(digestOf('ab', ''));
  });
});

describe('hashFraction', () => {
  it('is spread evenly over [0, 1) and differs by key', () => {
    const values = Array.from({ length: 4000 }, (_, index) => hashFraction('key', `document-${index}`));
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...values)).toBeLessThan(1);
    for (let tenth = 0; tenth < 10; tenth++) {
      const share = values.filter((value) => Math.floor(value * 10) === tenth).length / values.length;
      expect(share).toBeGreaterThan(0.08);
      expect(share).toBeLessThan(0.12);
    }
    expect(hashFraction('other', 'document-1')).not.toBe(hashFraction('key', 'document-1'));
  });
});

describe('goldRole', () => {
  it('lets about half of uniformly drawn gold certify, always the same, and never chosen gold', () => {
    const ids = Array.from({ length: 2000 }, (_, index) => `d${index}`);
    const certifying = ids.filter((id) => goldRole('task', id, 'uniform') === 'certify');
    expect(certifying.length / ids.length).toBeGreaterThan(0.45);
    expect(certifying.length / ids.length).toBeLessThan(0.55);
    expect(certifying.every((id) => goldRole('task', id, 'uniform') === 'certify')).toBe(true);
    expect(ids.some((id) => goldRole('task', id, 'chosen') === 'certify')).toBe(false);
  });
});
