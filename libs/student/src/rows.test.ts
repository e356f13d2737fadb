import { describe, expect, it } from 'vitest';
import { heldOutRows } from './rows.ts';

const rowsOf = (...folds: number[]) => folds.map((fold) => ({ fold }));

describe('the rows that are held out', () => {
  it('are those of the first fold that there is', () => {
    expect(heldOutRows(rowsOf(4, 2, 3, 2, 4))).toEqual([1, 3]);
  });

  it('are every fifth where the folds do not tell rows apart', () => {
    expect(heldOutRows(rowsOf(1, 1, 1, 1, 1, 1, 1))).toEqual([0, 5]);
    expect(heldOutRows([])).toEqual([]);
  });

  it('are no more than a thousand, from all of the fold', () => {
    const rows = Array.from({ length: 10_000 }, (_, row) => ({ fold: row % 4 }));
    const heldOut = heldOutRows(rows);
    expect(new Set(heldOut).size).toBe(1000);
    expect(heldOut.every((row) => row % 4 === 0)).toBe(true);
    expect(heldOut.at(-1)).toBeGreaterThan(9980);
  });
});
