import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Columns } from './columns.ts';

describe('Columns', () => {
  it('numbers features in the order of their first addition, also while it grows and with hashes that fall on one slot', () => {
    const hash = fc.oneof(
      fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
      fc.nat(40),
      fc.nat(40).map((n) => (n << 12) | 7),
    );
    fc.assert(
      fc.property(fc.array(hash, { maxLength: 3000 }), hash, (hashes, other) => {
        const columns = new Columns();
        const expected = new Map<number, number>();
        for (const name of hashes.map((own) => own || 1)) {
          if (!expected.has(name)) expected.set(name, expected.size);
          expect(columns.add(name)).toBe(expected.get(name));
        }
        expect(columns.size).toBe(expected.size);
        expect([...columns.hashes()]).toEqual([...expected.keys()]);
        expect(columns.find(other)).toBe(expected.get(other || 1) ?? -1);
        expect(hashes.every((name) => columns.find(name) === expected.get(name || 1))).toBe(true);
      }),
    );
  });

  it('takes the first columns from a list, and more features after it', () => {
    const columns = new Columns(Int32Array.from({ length: 5000 }, (_, index) => -index * 64));
    expect(columns.size).toBe(5000);
    expect(columns.find(-64 * 4999)).toBe(4999);
    expect(columns.add(77)).toBe(5000);
  });
});
