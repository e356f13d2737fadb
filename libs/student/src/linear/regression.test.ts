import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lossAndResiduals } from '../regression/loss.ts';
import type { Solution } from '../regression/solver.ts';
import { multiply, type SparseRows } from './matrix.ts';
import { type Regression, solve } from './regression.ts';

type Entries = readonly (readonly [column: number, value: number])[];

interface RegressionCase {
  readonly name: string;
  readonly rows: readonly Entries[];
  readonly labels: readonly number[];
  readonly weights: readonly number[];
  readonly strength: number;
  readonly logits: readonly number[][];
}

/** Answers of scikit-learn and scipy: see fixtures/make_fixtures.py. */
function fixture<T>(name: string): T {
  return JSON.parse(readFileSync(join(import.meta.dirname, '../../fixtures', `${name}.json`), 'utf8'));
}

function sparse(rows: readonly Entries[]): SparseRows {
  const starts = Int32Array.from([0, ...rows.map((_, row) => rows.slice(0, row + 1).flat().length)]);
  const entries = rows.flat();
  const width = 1 + Math.max(...entries.map(([column]) => column));
  return {
    starts,
    width,
    columns: Int32Array.from(entries, ([column]) => column),
    values: Float32Array.from(entries, ([, value]) => value),
  };
}

function logitsOf({ rows, outputs }: Regression, { weights, intercepts }: Solution): number[][] {
  const count = rows.starts.length - 1;
  const logits = new Float64Array(count * outputs);
  multiply(rows, weights, outputs, logits);
  return Array.from({ length: count }, (_, row) =>
    Array.from(intercepts, (intercept, output) => logits[row * outputs + output]! + intercept),
  );
}

/** scikit-learn's multinomial logits are known up to a number per row. */
function centred(row: readonly number[]): number[] {
  const mean = row.reduce((sum, logit) => sum + logit, 0) / row.length;
  return row.length === 1 ? [...row] : row.map((logit) => logit - mean);
}

function expectClose(actual: readonly number[][], expected: readonly number[][], digits: number): void {
  for (const [row, values] of actual.entries()) {
    for (const [output, value] of values.entries())
      expect(value, `row ${row}, output ${output}`).toBeCloseTo(expected[row]![output]!, digits);
  }
}

function regressionOf({ rows, labels, weights, logits }: RegressionCase): Regression {
  const outputs = logits[0]!.length;
  const targets = labels.flatMap((label) =>
    outputs === 1 ? [label] : Array.from({ length: outputs }, (_, output) => (output === label ? 1 : 0)),
  );
  return {
    link: outputs === 1 ? 'logistic' : 'softmax',
    outputs,
    rows: sparse(rows),
    targets: Float64Array.from(targets),
    weights: Float64Array.from(weights.flatMap((weight) => new Array<number>(outputs).fill(weight))),
  };
}

const exact = { tolerance: 1e-8 };

describe('solve', () => {
  for (const known of fixture<RegressionCase[]>('regressions')) {
    it(`finds scikit-learn's optimum: ${known.name}`, async () => {
      const regression = regressionOf(known);
      const solution = await solve(regression, { ...exact, strength: known.strength });
      expect(solution.gradientRatio).toBeLessThan(1e-7);
      expectClose(logitsOf(regression, solution).map(centred), known.logits.map(centred), 4);
    });
  }

  it("finds scikit-learn's optimum: one regression for each of several labels", async () => {
    const { rows, labels, strength, logits } = fixture<Omit<RegressionCase, 'labels'> & { labels: number[][] }>('one-vs-rest');
    const targets = Float64Array.from(labels.flat());
    const regression: Regression = { link: 'logistic', outputs: 3, rows: sparse(rows), targets, weights: targets.map(() => 1) };
    expectClose(logitsOf(regression, await solve(regression, { ...exact, strength })), logits, 4);
  });

  it("finds scipy's optimum of soft targets", async () => {
    const known = fixture<{ rows: Entries[]; targets: number[][]; strength: number; objective: number; probabilities: number[][] }>(
      'soft-targets',
    );
    const targets = Float64Array.from(known.targets.flat());
    const regression: Regression = { link: 'softmax', outputs: 3, rows: sparse(known.rows), targets, weights: targets.map(() => 1) };
    const solution = await solve(regression, { ...exact, strength: known.strength });
    const logits = logitsOf(regression, solution);
    const exponents = logits.map((row) => row.map(Math.exp));
    const shares = exponents.map((row) => row.map((own) => own / row.reduce((sum, other) => sum + other, 0)));
    expectClose(shares, known.probabilities, 5);
    const loss = lossAndResiduals(regression, Float64Array.from(logits.flat()), new Float64Array(targets.length));
    const penalty = solution.weights.reduce((sum, weight) => sum + weight ** 2, 0) / 2;
    expect(penalty + known.strength * loss).toBeCloseTo(known.objective, 6);
  });

  it('ends at the same optimum from the solution at another strength', async () => {
    const known = fixture<RegressionCase[]>('regressions')[2]!;
    const regression = regressionOf(known);
    const weak = await solve(regression, { ...exact, strength: 0.1 });
    const solution = await solve(regression, { ...exact, strength: known.strength, start: weak });
    expectClose(logitsOf(regression, solution).map(centred), known.logits.map(centred), 4);
  });

  it('ends at the same optimum from near it', async () => {
    const known = fixture<RegressionCase[]>('regressions')[2]!;
    const regression = regressionOf(known);
    const { point, intercepts } = await solve(regression, { ...exact, strength: known.strength / 2 });
    const near = { coefficients: point.slice(0, regression.targets.length), intercepts };
    const solution = await solve(regression, { ...exact, strength: known.strength, near });
    expect(solution.gradientRatio).toBeLessThan(1e-7);
    expectClose(logitsOf(regression, solution).map(centred), known.logits.map(centred), 4);
  });

  it('ends with what its pause throws', async () => {
    const known = fixture<RegressionCase[]>('regressions')[0]!;
    const pause = () => Promise.reject(new Error('enough'));
    await expect(solve(regressionOf(known), { ...exact, strength: 1, pause })).rejects.toThrow('enough');
  });

  it('answers with the prior where no row has a feature', async () => {
    const rows: SparseRows = { starts: new Int32Array(5), columns: new Int32Array(0), values: new Float32Array(0), width: 0 };
    const regression: Regression = {
      link: 'logistic',
      outputs: 1,
      rows,
      targets: Float64Array.of(1, 1, 1, 0),
      weights: new Float64Array(4).fill(1),
    };
    const { intercepts } = await solve(regression, { ...exact, strength: 1 });
    expect(intercepts[0]).toBeCloseTo(Math.log(3), 6);
  });
});
