import type { LabelSet } from '@llambert/domain';
import { describe, expect, it } from 'vitest';
import { type DoubtedRow, likelyWrongRows } from './likely-wrong.ts';

const single: LabelSet = { kind: 'single', names: ['late', 'paid', 'other'] };
const byTeacher = { labelledBy: 'teacher' as const };

/** Forty rows of three labels in turn, each scored as what it is. */
const truth = Array.from({ length: 42 }, (_, row) => row % 3);
const logits = Float32Array.from(truth.flatMap((label, row) => [0, 1, 2].map((each) => (each === label ? 3 + (row % 5) / 10 : 0))));
const rowsOf = (doubts: readonly DoubtedRow[]) => doubts.map(({ row }) => row);
const oneHot = (label: number) => [0, 1, 2].map((each) => (each === label ? 1 : 0));

describe('likely wrong labels', () => {
  it('are those that the student confidently contradicts', () => {
    const rows = truth.map((label, row) => ({ target: oneHot(row === 14 || row === 29 ? (label + 1) % 3 : label), ...byTeacher }));
    expect(rowsOf(likelyWrongRows(rows, single, logits)).sort()).toEqual([14, 29]);
  });

  it('come with what the student would say, the least probable of them first', () => {
    // How sure the student is grows with the row modulo five.
    const rows = truth.map((label, row) => ({ target: oneHot([13, 14].includes(row) ? (label + 1) % 3 : label), ...byTeacher }));
    const doubts = likelyWrongRows(rows, single, logits);
    expect(doubts.map(({ row, suggested }) => [row, suggested])).toEqual([
      [14, [truth[14]]],
      [13, [truth[13]]],
    ]);
    for (const { probability } of doubts) expect(probability).toBeGreaterThan(0.6);
    expect(doubts[0]!.probability).toBeGreaterThan(doubts[1]!.probability);
  });

  it("are never people's", () => {
    const rows = truth.map((label, row) => ({ target: oneHot(row === 14 ? (label + 1) % 3 : label), labelledBy: 'person' as const }));
    expect(likelyWrongRows(rows, single, logits)).toEqual([]);
  });

  it('are none that the teacher gave twice', () => {
    const wrong = (row: number) => ({ target: oneHot((truth[row]! + 1) % 3), ...byTeacher });
    const rows = truth.map((label, row) => (row === 14 || row === 29 ? wrong(row) : { target: oneHot(label), ...byTeacher }));
    const asked = rows.map((row, index) => (index === 14 ? { ...row, askedTwice: true as const } : row));
    expect(rowsOf(likelyWrongRows(asked, single, logits))).toEqual([29]);
  });

  it('are found label by label where there may be several', () => {
    const cells = Float32Array.from(
      truth.flatMap((label, row) => [0, 1, 2].map((each) => (each === label ? 3 + (row % 5) / 10 : -3 - (row % 5) / 10))),
    );
    const rows = truth.map((label, row) => ({ target: row === 19 ? [1, 1, 1] : oneHot(label), ...byTeacher }));
    const [doubt, ...others] = likelyWrongRows(rows, { ...single, kind: 'multi' }, cells);
    expect(others).toEqual([]);
    expect(doubt).toMatchObject({ row: 19, suggested: [truth[19]] });
    expect(doubt!.probability).toBeGreaterThan(0.5);
  });
});
