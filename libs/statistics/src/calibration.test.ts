import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import scores from '../fixtures/scores.json' with { type: 'json' };
import temperatures from '../fixtures/temperature.json' with { type: 'json' };
import { type CalibrationMap, fitTemperature, type Kind, probabilities, smoothed } from './calibration.ts';

const { labels, logits } = scores;
const by = (temperature: number): CalibrationMap => ({ method: 'temperature', temperature });

function likelihood(kind: Kind, values: readonly number[], targets: readonly number[], width: number, temperature: number): number {
  let sum = 0;
  for (let offset = 0; offset < values.length; offset += width) {
    probabilities(values, offset, width, kind, by(temperature)).forEach((probability, label) => {
      const target = targets[offset + label]!;
      if (target > 0) sum -= target * Math.log(probability);
      if (kind === 'multi' && target < 1) sum -= (1 - target) * Math.log(1 - probability);
    });
  }
  return sum;
}

describe('probabilities', () => {
  it("gives scipy's softmax and logistic", () => {
    expect(
      Math.max(...probabilities(logits, 0, labels, 'single', by(2)).map((p, label) => Math.abs(p - scores.softmaxAt2[label]!))),
    ).toBeLessThan(1e-14);
    expect(
      Math.max(...probabilities(logits, 0, labels, 'multi', by(2)).map((p, label) => Math.abs(p - scores.sigmoidAt2[label]!))),
    ).toBeLessThan(1e-14);
  });

  it('reads the row at the offset, into the array it is given', () => {
    const out = new Float64Array(2);
    expect(probabilities([9, 9, 0, Math.log(3)], 2, 2, 'single', by(1), out)).toBe(out);
    expect(out[1]).toBeCloseTo(0.75, 15);
  });

  it("gives each label's logit its scale and its bias", () => {
    const vector: CalibrationMap = { method: 'vector', scales: [1, 2, 0.5], biases: [0.5, 0, -1] };
    const sigmoid = (logit: number) => 1 / (1 + Math.exp(-logit));
    const multi = probabilities([1, -1, 4], 0, 3, 'multi', vector);
    for (const [label, logit] of [1.5, -2, 1].entries()) expect(multi[label]).toBeCloseTo(sigmoid(logit), 14);
    // Less their mean 2, the logits are -1, -3 and 4.
    const single = probabilities([1, -1, 6], 0, 3, 'single', vector);
    const weights = [-0.5, -6, 1].map(Math.exp);
    for (const [label, weight] of weights.entries())
      expect(single[label]).toBeCloseTo(weight / weights.reduce((sum, own) => sum + own), 14);
  });

  it('is what the temperature gives where all scales are its inverse and no label has a bias', () => {
    for (const kind of ['single', 'multi'] as const) {
      const vector: CalibrationMap = { method: 'vector', scales: Array(labels).fill(0.5), biases: Array(labels).fill(0) };
      const [one, many] = [by(2), vector].map((own) => probabilities(logits, 0, labels, kind, own)) as [Float64Array, Float64Array];
      expect(Math.max(...one.map((share, label) => Math.abs(share - many[label]!)))).toBeLessThan(1e-15);
    }
  });

  it('does not see what all logits of a row share', () => {
    const vector: CalibrationMap = { method: 'vector', scales: [1, 3], biases: [0, 1] };
    const [here, there] = [0, 1000].map((shift) => probabilities([1 + shift, 2 + shift], 0, 2, 'single', vector)[0]!);
    expect(there).toBeCloseTo(here!, 10);
  });

  it('stays a distribution for logits of any size', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ noNaN: true, min: -1e300, max: 1e300 }), { minLength: 1 }),
        fc.constantFrom<Kind>('single', 'multi'),
        (row, kind) => {
          const result = probabilities(row, 0, row.length, kind, by(0.5));
          for (const probability of result) expect(probability >= 0 && probability <= 1).toBe(true);
          if (kind === 'single') expect(result.reduce((sum, probability) => sum + probability, 0)).toBeCloseTo(1, 12);
        },
      ),
    );
  });
});

describe('fitTemperature', () => {
  it.each(temperatures)("finds scipy's minimum: $kind, $n documents, $labels labels", (example) => {
    const kind = example.kind as Kind;
    const fitted = fitTemperature(example.logits, example.targets, example.n, example.labels, kind);
    expect(Math.abs(fitted / example.temperature - 1)).toBeLessThan(1e-6);
    // And there the likelihood is flat, by a central difference.
    const loss = (temperature: number) => likelihood(kind, example.logits, example.targets, example.labels, temperature);
    const slope = (loss(fitted * 1.0001) - loss(fitted / 1.0001)) / 0.0002;
    expect(Math.abs(slope)).toBeLessThan(1e-5 * loss(fitted));
  });

  it('grows with the logits, and does not see what all of a row share', () => {
    const { logits: values, targets, n, labels: width } = temperatures[0]!;
    const fitted = fitTemperature(values, targets, n, width, 'single');
    expect(
      fitTemperature(
        values.map((value) => 1.5 * value),
        targets,
        n,
        width,
        'single',
      ),
    ).toBeCloseTo(1.5 * fitted, 8);
    expect(
      fitTemperature(
        values.map((value) => value + 1e6),
        targets,
        n,
        width,
        'single',
      ),
    ).toBeCloseTo(fitted, 6);
  });

  it('takes the bound where there is no minimum', () => {
    expect(fitTemperature([5, -5, -5, 5], [1, 0, 0, 1], 2, 2, 'single')).toBe(0.05);
    expect(fitTemperature([5, -5, -5, 5], [0, 1, 1, 0], 2, 2, 'single')).toBe(20);
  });

  it('is 1 where there is nothing to learn from', () => {
    expect(fitTemperature([], [], 0, 2, 'single')).toBe(1);
    expect(fitTemperature([3, 3], [1, 0], 1, 2, 'single')).toBe(1);
  });

  it('never makes the likelihood worse than no calibration, and stays within its bounds', () => {
    const row = fc.tuple(fc.double({ min: -30, max: 30, noNaN: true }), fc.double({ min: -30, max: 30, noNaN: true }), fc.nat({ max: 1 }));
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 20 }), fc.constantFrom<Kind>('single', 'multi'), (cases, kind) => {
        const values = cases.flatMap((pair) => pair.slice(0, 2));
        const targets = cases.flatMap(([, , label]) => [1 - label, label]);
        const fitted = fitTemperature(values, targets, cases.length, 2, kind);
        expect(fitted >= 0.05 && fitted <= 20).toBe(true);
        const [after, before] = [fitted, 1].map((temperature) => likelihood(kind, values, targets, 2, temperature)) as [number, number];
        // The plain logarithms here are infinite where a probability rounds to 0 or 1; the fit's slopes are not.
        if (Number.isFinite(before) && Number.isFinite(after)) expect(after).toBeLessThanOrEqual(before + 1e-9 * (1 + before));
      }),
    );
  });
});

describe('smoothed', () => {
  it('leaves each document a share of a mistake', () => {
    expect([...smoothed([1, 0, 0, 1], 2, 2, 'single')]).toEqual([0.75, 0.25, 0.25, 0.75]);
    expect([...smoothed([1, 0, 0.5], 1, 3, 'multi')].map((share) => share.toFixed(4))).toEqual(['0.6667', '0.3333', '0.5000']);
  });
});
