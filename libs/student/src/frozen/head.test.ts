import type { LabelSet } from '@llambert/domain';
import { describe, expect, it } from 'vitest';
import { goalOf } from '../goal.ts';
import { normalNumbers, uniformNumbers } from '../random.ts';
import { accuracy } from '../tiny-encoder.fixture.ts';
import { fitHead, logitsOf } from './head.ts';

/** Vectors and labels that have nothing to do with each other. */
function noise(count: number, width: number, labels: LabelSet) {
  const uniform = uniformNumbers(5);
  const embeddings = { values: Float32Array.from({ length: count * width }, normalNumbers(5)), width };
  const rows = Array.from({ length: count }, (_, row) => {
    const label = Math.floor(uniform() * labels.names.length);
    return { target: labels.names.map((_, index) => Number(index === label)), weight: 1, fold: row % 5 };
  });
  return { embeddings, rows };
}

const setOf = (count: number): LabelSet => ({ kind: 'single', names: Array.from({ length: count }, (_, index) => `label ${index}`) });

describe('fitHead', () => {
  it.each([
    ['few labels, every fold chooses', 60, 40, 2, 0.75],
    ['many labels, one fold chooses', 1100, 100, 95, 0.1],
  ])('holds out: what cannot be foreseen is not: %s', async (_, count, width, names, most) => {
    const labels = setOf(names);
    const { embeddings, rows } = noise(count, width, labels);
    const { outOfFold } = await fitHead({ embeddings, rows, labels, goal: goalOf(rows, labels, false), threads: 1 });
    const share = accuracy(
      outOfFold,
      rows.map(({ target }) => target),
    );
    expect(share).toBeLessThan(most);
    expect(outOfFold.every((logit) => Number.isFinite(logit))).toBe(true);
  });

  it('reads embeddings as they are, wherever their mean lies, and leaves out what never varies', async () => {
    const labels = setOf(3);
    const { embeddings, rows } = noise(90, 5, labels);
    // Column 0 tells the label, at another scale than the others; column 1 is always the same.
    const values = embeddings.values.map((value, at) => {
      const { target } = rows[Math.floor(at / 5)]!;
      return [40 + 100 * target.indexOf(1) + value, 7, value, 0.01 * value, value - 300][at % 5]!;
    });
    const fitted = await fitHead({ embeddings: { values, width: 5 }, rows, labels, goal: goalOf(rows, labels, false), threads: 1 });
    const targets = rows.map(({ target }) => target);
    expect(accuracy(fitted.outOfFold, targets)).toBe(1);
    expect(accuracy(logitsOf(fitted.head, values), targets)).toBe(1);
    expect([0, 1, 2].map((label) => fitted.head.weight[label * 5 + 1])).toEqual([0, 0, 0]);
    expect(fitted.chosen.accuracy).toBe(1);
    expect(fitted.folds).toBe(5);
  });
});
