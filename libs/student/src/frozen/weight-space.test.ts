import { describe, expect, it } from 'vitest';
import type { Goal } from '../goal.ts';
import { solve } from '../linear/regression.ts';
import { normalNumbers, uniformNumbers } from '../random.ts';
import { minimize } from '../regression/solver.ts';
import { openWeightSpace } from './weight-space.ts';

const count = 30;
const width = 7;
const normal = normalNumbers(3);
const uniform = uniformNumbers(3);
const values = Float32Array.from({ length: count * width }, normal);
const sparse = {
  starts: Int32Array.from({ length: count + 1 }, (_, row) => row * width),
  columns: Int32Array.from({ length: count * width }, (_, entry) => entry % width),
  values,
  width,
};

/** Every row in one class, and its weight from 0.5 to 1.5. */
function goal(link: Goal['link'], outputs: number): Goal {
  const labels = Array.from({ length: count }, () => Math.floor(uniform() * outputs));
  const targets = Float64Array.from({ length: count * outputs }, (_, cell) =>
    outputs === 1 ? Number(uniform() < 0.5) : Number(labels[Math.floor(cell / outputs)] === cell % outputs),
  );
  const weights = Array.from({ length: count }, () => 0.5 + uniform());
  return { link, outputs, targets, weights: targets.map((_, cell) => weights[Math.floor(cell / outputs)]!) };
}

describe('the space of weights', () => {
  it.each([
    ['logistic', 1],
    ['logistic', 3],
    ['softmax', 4],
  ] as const)('has the optimum that the space of rows has: %s, %i outputs', async (link, outputs) => {
    const wanted = goal(link, outputs);
    const space = await openWeightSpace({ values, width }, outputs, { threads: 1 });
    const settings = { strength: 2, tolerance: 1e-5 };
    const found = await minimize(wanted, space, settings);
    const known = await solve({ ...wanted, rows: sparse }, { ...settings, tolerance: 1e-8 });
    expect(found.gradientRatio).toBeLessThan(1e-5);
    expect(found.weights).toHaveLength(width * outputs);
    // An intercept of softmax is known up to what all of them share, which nothing penalises.
    const centred = (all: Float64Array) =>
      all.map((each) => each - (link === 'softmax' ? all.reduce((sum, own) => sum + own, 0) / outputs : 0));
    for (const [index, weight] of found.weights.entries()) expect(weight).toBeCloseTo(known.weights[index]!, 3);
    const intercepts = centred(known.intercepts);
    for (const [index, intercept] of centred(found.intercepts).entries()) expect(intercept).toBeCloseTo(intercepts[index]!, 3);
  });

  it('stays where it was put near', async () => {
    const wanted = goal('softmax', 4);
    const space = await openWeightSpace({ values, width }, 4, { threads: 1 });
    const { weights, intercepts } = await minimize(wanted, space, { strength: 2, tolerance: 1e-5 });
    const again = await minimize(wanted, space, { strength: 2, tolerance: 1e-3, near: { coefficients: weights, intercepts } });
    expect(again.weights).toEqual(weights);
    expect(again.intercepts).toEqual(intercepts);
  });
});
