import type { LabelSet } from '@llambert/domain';
import { describe, expect, it } from 'vitest';
import type { DatasetRow } from './dataset.ts';
import { pooledStudent } from './ensemble.ts';
import type { TrainedStudent } from './train-student.ts';

const labels: LabelSet = { kind: 'single', names: ['a', 'b'] };
const rows = Array.from({ length: 40 }, (_, index): DatasetRow => {
  const target = index % 2 === 0 ? [1, 0] : [0, 1];
  return { documentId: `d${index}`, text: '', target, weight: 1, fold: 0, labelledBy: 'teacher' };
});

/** A student that is right, and sure, about the rows that it `knows`, and a little wrong about the others. */
function student(heldOut: readonly number[], knows: (row: number) => boolean, changes: Partial<TrainedStudent>): TrainedStudent {
  const logits = heldOut.flatMap((row) => {
    const [sure, wrong] = [4, -1];
    return rows[row]!.target.map((share) => share * (knows(row) ? sure : wrong));
  });
  return {
    student: 'linear',
    baseModel: null,
    heldOut: { rows: heldOut, logits: Float32Array.from(logits), on: 'held-out', learnedAfter: false },
    scoredLogits: new Float32Array(2),
    training: {},
    ...changes,
  };
}

const all = [...rows.keys()];
const rightOf = ({ heldOut }: TrainedStudent) =>
  heldOut.rows.filter((row, place) => heldOut.logits[2 * place]! > heldOut.logits[2 * place + 1]! === (rows[row]!.target[0] === 1)).length;

describe('pooledStudent', () => {
  const encoder = student(all, (row) => row % 4 < 2, { student: 'fine-tuned', training: { epochs: 3, features: 'none of its' } });
  const linear = student(all, (row) => row % 4 >= 2, { training: { features: 'words', pseudoLabelled: 7 } });

  it('is right where either student is, when they err on different rows', () => {
    const pooled = pooledStudent(encoder, linear, { rows, labels });
    expect([rightOf(encoder), rightOf(linear), rightOf(pooled)]).toEqual([20, 20, 40]);
    expect(pooled.ensemble!.encoderShare).toBeCloseTo(0.5, 2);
  });

  it('leaves the word to the one that knows, where the other only guesses', () => {
    const guesses = student(all, (row) => row % 3 === 0, {});
    const pooled = pooledStudent(
      student(all, () => true, {}),
      guesses,
      { rows, labels },
    );
    expect(pooled.ensemble!.encoderShare).toBeGreaterThan(0.8);
    expect(rightOf(pooled)).toBe(40);
  });

  it('is judged by the rows that neither learned from', () => {
    const some = student([3, 8, 9, 30], () => true, { student: 'fine-tuned' });
    const others = student([9, 3, 30, 31], () => true, {});
    expect(pooledStudent(some, others, { rows, labels }).heldOut.rows).toEqual([3, 9, 30]);
  });

  it('gives each half where the rows are too few to tell', () => {
    const few = all.slice(0, 19);
    const knows = (row: number) => row % 4 < 2;
    const shareOf = (rowsApart: readonly number[]) =>
      pooledStudent(
        student(rowsApart, () => true, {}),
        student(all, knows, {}),
        { rows, labels },
      ).ensemble!.encoderShare;
    expect(shareOf(few)).toBe(0.5);
    expect(shareOf(all.slice(0, 20))).toBeGreaterThan(0.6);
  });

  it('is judged by all rows in turn only where both students were', () => {
    const outOfFold = (one: TrainedStudent): TrainedStudent => ({ ...one, heldOut: { ...one.heldOut, on: 'out-of-fold' } });
    const onOf = (first: TrainedStudent, second: TrainedStudent) => pooledStudent(first, second, { rows, labels }).heldOut.on;
    expect(onOf(outOfFold(encoder), outOfFold(linear))).toBe('out-of-fold');
    expect(onOf(outOfFold(encoder), linear)).toBe('held-out');
    expect(onOf(encoder, outOfFold(linear))).toBe('held-out');
  });

  it('says what both trainings came to, each by its own name', () => {
    const { student, training } = pooledStudent(encoder, linear, { rows, labels });
    expect(student).toBe('fine-tuned');
    expect(training).toEqual({ epochs: 3, features: 'none of its', 'linear student: features': 'words', pseudoLabelled: 7 });
  });

  it('scores with the share that was found', () => {
    const [first, second] = [Float32Array.of(1, 0), Float32Array.of(0, 3)];
    const pooled = pooledStudent({ ...encoder, scoredLogits: first }, { ...linear, scoredLogits: second }, { rows, labels });
    const { encoderShare } = pooled.ensemble!;
    expect(pooled.scoredLogits[0]).toBeCloseTo(encoderShare, 6);
    expect(pooled.scoredLogits[1]).toBeCloseTo(3 * (1 - encoderShare), 6);
  });
});
