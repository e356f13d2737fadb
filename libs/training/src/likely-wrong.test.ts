import type { LabelSet } from '@llambert/domain';
import { describe, expect, it } from 'vitest';
import { likelyWrongRows } from './likely-wrong.ts';

const single: LabelSet = { kind: 'single', names: ['late', 'paid', 'other'] };
const byTeacher = { labelledBy: 'teacher' as const };

/** Forty rows of three labels in turn, each scored as what it is. */
const truth = Array.from({ length: 42 }, (_, row) => row % 3);
const logits = Float32Array.from(truth.flatMap((label, row) => [0, 1, 2].map((each) => (each === label ? 3 + (row % 5) / 10 : 0))));
const oneHot = (label: number) => [0, 1, 2].map((each) => (each === label ? 1 : 0));

describe('likely wrong labels', () => {
  it('are those that the student confidently contradicts', () => {
    const rows = truth.map((label, row) => ({ target: oneHot(row === 14 || row === 29 ? (label + 1) % 3 : label), ...byTeacher }));
    expect(likelyWrongRows(rows, single, logits)).toEqual([14, 29]);
  });

  it("are never people's", () => {
    const rows = truth.map((label, row) => ({ target: oneHot(row === 14 ? (label + 1) % 3 : label), labelledBy: 'person' as const }));
    expect(likelyWrongRows(rows, single, logits)).toEqual([]);
  });

  it('are found label by label where there may be several', () => {
    const cells = Float32Array.from(
      truth.flatMap((label, row) => [0, 1, 2].map((each) => (each === label ? 3 + (row % 5) / 10 : -3 - (row % 5) / 10))),
    );
    const rows = truth.map((label, row) => ({ target: row === 19 ? [1, 1, 1] : oneHot(label), ...byTeacher }));
    expect(likelyWrongRows(rows, { ...single, kind: 'multi' }, cells)).toEqual([19]);
  });
});
