import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Goal } from '../goal.ts';
import { curvature, lossAndResiduals } from './loss.ts';

const cells = (length: number, least: number, most: number) =>
  fc
    .array(fc.double({ min: least, max: most, noNaN: true }), { minLength: length, maxLength: length })
    .map((values) => Float64Array.from(values));

/** A goal with soft targets and uneven weights, logits, and a direction to go. */
const problems = fc
  .record({ rows: fc.integer({ min: 1, max: 4 }), outputs: fc.integer({ min: 1, max: 4 }), link: fc.constantFrom('softmax', 'logistic') })
  .chain(({ rows, outputs, link }) =>
    fc
      .tuple(cells(rows * outputs, 0, 1), cells(rows * outputs, 0, 3), cells(rows * outputs, -6, 6), cells(rows * outputs, -2, 2))
      .map(([shares, weights, logits, slopes]) => {
        const goal: Goal = { link, outputs, targets: shares, weights };
        if (link === 'softmax') {
          for (let base = 0; base < shares.length; base += outputs) {
            const row = shares.subarray(base, base + outputs);
            const sum = row.reduce((total, share) => total + share + 0.01, 0);
            for (let output = 0; output < outputs; output++) row[output] = (row[output]! + 0.01) / sum;
            weights.fill(weights[base]!, base, base + outputs);
          }
        }
        return { goal, logits, slopes };
      }),
  );

function lossAt(goal: Goal, logits: Float64Array): number {
  return lossAndResiduals(goal, logits, new Float64Array(logits.length));
}

function moved(logits: Float64Array, slopes: Float64Array, length: number): Float64Array {
  return logits.map((logit, index) => logit + length * slopes[index]!);
}

describe('loss', () => {
  it('has the residuals as its gradient, by finite differences', () => {
    fc.assert(
      fc.property(problems, ({ goal, logits }) => {
        const residuals = new Float64Array(logits.length);
        lossAndResiduals(goal, logits, residuals);
        for (let index = 0; index < logits.length; index++) {
          const axis = Float64Array.from(logits, (_, other) => (other === index ? 1 : 0));
          const difference = (lossAt(goal, moved(logits, axis, 1e-5)) - lossAt(goal, moved(logits, axis, -1e-5))) / 2e-5;
          expect(residuals[index]).toBeCloseTo(difference, 6);
        }
      }),
    );
  });

  it('has the curvature as the change of its slope along a direction', () => {
    fc.assert(
      fc.property(problems, ({ goal, logits, slopes }) => {
        const slopeAt = (at: Float64Array) => {
          const residuals = new Float64Array(at.length);
          lossAndResiduals(goal, at, residuals);
          return residuals.reduce((sum, residual, index) => sum + residual * slopes[index]!, 0);
        };
        const difference = (slopeAt(moved(logits, slopes, 1e-5)) - slopeAt(moved(logits, slopes, -1e-5))) / 2e-5;
        expect(curvature(goal, logits, slopes)).toBeCloseTo(difference, 5);
      }),
    );
  });

  it('stays finite for logits far apart', () => {
    for (const link of ['softmax', 'logistic'] as const) {
      const goal: Goal = { link, outputs: 2, targets: Float64Array.of(0, 1), weights: Float64Array.of(1, 1) };
      const logits = Float64Array.of(2000, -2000);
      expect(lossAt(goal, logits)).toBeCloseTo(4000, 6);
      expect(curvature(goal, logits, Float64Array.of(1, -1))).toBe(0);
    }
  });
});
