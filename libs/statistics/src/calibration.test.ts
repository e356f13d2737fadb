import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import scores from '../fixtures/scores.json' with { type: 'json' };
import temperatures from '../fixtures/temperature.json' with { type: 'json' };
import { brierScore, fitTemperature, type Kind, probabilities, reliability } from './calibration.ts';

const { labels, logits, truth } = scores;
const documents = truth.length;
const hard = truth.flatMap((label) => Array.from({ length: labels }, (_, index) => (index === label ? 1 : 0)));
const rows = (kind: Kind) => truth.map((_, document) => probabilities(logits, document * labels, labels, kind, 1));

function likelihood(kind: Kind, values: readonly number[], targets: readonly number[], width: number, temperature: number): number {
  let sum = 0;
  for (let offset = 0; offset < values.length; offset += width) {
    probabilities(values, offset, width, kind, temperature).forEach((probability, label) => {
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
      Math.max(...probabilities(logits, 0, labels, 'single', 2).map((p, label) => Math.abs(p - scores.softmaxAt2[label]!))),
    ).toBeLessThan(1e-14);
    expect(
      Math.max(...probabilities(logits, 0, labels, 'multi', 2).map((p, label) => Math.abs(p - scores.sigmoidAt2[label]!))),
    ).toBeLessThan(1e-14);
  });

  it('reads the row at the offset, into the array it is given', () => {
    const out = new Float64Array(2);
    expect(probabilities([9, 9, 0, Math.log(3)], 2, 2, 'single', 1, out)).toBe(out);
    expect(out[1]).toBeCloseTo(0.75, 15);
  });

  it('stays a distribution for logits of any size', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ noNaN: true, min: -1e300, max: 1e300 }), { minLength: 1 }),
        fc.constantFrom<Kind>('single', 'multi'),
        (row, kind) => {
          const result = probabilities(row, 0, row.length, kind, 0.5);
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

describe('reliability', () => {
  const confidences = rows('single').map((row) => Math.max(...row));
  const correct = rows('single').map((row, document) => row.indexOf(Math.max(...row)) === truth[document]);

  it("gives numpy's bins and expected calibration error", () => {
    const { bins, ece } = reliability(confidences, correct, 10);
    expect(ece).toBeCloseTo(scores.ece10, 12);
    expect(bins.map((bin) => bin.count)).toEqual(scores.binCounts);
  });

  it('puts 1 in the last bin, and knows nothing of empty ones', () => {
    const { bins, ece } = reliability([1, 0.5], [true, false], 2);
    expect(bins).toEqual([
      { lower: 0, upper: 0.5, count: 0, meanConfidence: null, accuracy: null },
      { lower: 0.5, upper: 1, count: 2, meanConfidence: 0.75, accuracy: 0.5 },
    ]);
    expect(ece).toBe(0.25);
  });

  it('refuses no documents', () => {
    expect(() => reliability([], [], 10)).toThrow(RangeError);
  });
});

describe('brierScore', () => {
  it("gives numpy's score: a sum over labels for single, a mean for multi", () => {
    expect(
      brierScore(
        rows('single').flatMap((row) => [...row]),
        hard,
        labels,
        'single',
      ),
    ).toBeCloseTo(scores.brierSingle, 12);
    expect(
      brierScore(
        rows('multi').flatMap((row) => [...row]),
        scores.many,
        labels,
        'multi',
      ),
    ).toBeCloseTo(scores.brierMulti, 12);
  });

  it('is 0 for certainty that is right and 2 for certainty that is wrong', () => {
    expect(brierScore(hard, hard, labels, 'single')).toBe(0);
    expect(brierScore([1, 0], [0, 1], 2, 'single')).toBe(2);
    expect(documents * labels).toBe(hard.length);
  });

  it('refuses no documents', () => {
    expect(() => brierScore([], [], 2, 'single')).toThrow(RangeError);
  });
});
