import { describe, expect, it } from 'vitest';
import scores from '../fixtures/scores.json' with { type: 'json' };
import { type Kind, probabilities } from './calibration.ts';
import { brierScore, logLosses, reliability } from './scores.ts';

const { labels, logits, truth } = scores;
const uncalibrated = { method: 'temperature', temperature: 1 } as const;
const hard = truth.flatMap((label) => Array.from({ length: labels }, (_, index) => (index === label ? 1 : 0)));
const rows = (kind: Kind) => truth.map((_, document) => probabilities(logits, document * labels, labels, kind, uncalibrated));

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
  });

  it('refuses no documents', () => {
    expect(() => brierScore([], [], 2, 'single')).toThrow(RangeError);
  });
});

describe('logLosses', () => {
  it('are minus the logarithm of the right probability, and its mean over labels that are independent', () => {
    const single = logLosses(logits, hard, labels, 'single', uncalibrated);
    rows('single').forEach((row, document) => {
      expect(single[document]).toBeCloseTo(-Math.log(row[truth[document]!]!), 12);
    });
    const multi = logLosses(logits, scores.many, labels, 'multi', uncalibrated);
    rows('multi').forEach((row, document) => {
      const losses = row.map((share, label) => -Math.log(scores.many[document * labels + label] === 1 ? share : 1 - share));
      expect(multi[document]).toBeCloseTo(losses.reduce((sum, loss) => sum + loss) / labels, 12);
    });
  });

  it('know the calibration, and stay finite where a probability is 0', () => {
    const vector = { method: 'vector', scales: [1, 1], biases: [0, 1000] } as const;
    expect([...logLosses([0, 0], [1, 0], 2, 'single', vector)]).toEqual([1000]);
    expect([...logLosses([0, 0], [1, 0], 2, 'multi', vector)]).toEqual([(Math.LN2 + 1000) / 2]);
  });
});
