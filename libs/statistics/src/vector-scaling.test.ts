import { describe, expect, it } from 'vitest';
import fixtures from '../fixtures/vector-scaling.json' with { type: 'json' };
import { type CalibrationMap, type Kind, probabilities } from './calibration.ts';
import { logLosses } from './scores.ts';
import { fitVectorScaling } from './vector-scaling.ts';

type Vector = Extract<CalibrationMap, { method: 'vector' }>;

/** What the fit minimises, from its definition. */
function objective(example: (typeof fixtures)[number], vector: Vector): number {
  const kind = example.kind as Kind;
  const losses = logLosses(example.logits, example.targets, example.labels, kind, vector);
  const steps = vector.scales.map((scale) => scale * example.temperature - 1);
  const penalty = [...steps, ...vector.biases].reduce((sum, step) => sum + 5 * step * step, 0);
  return losses.reduce((sum, loss) => sum + loss * (kind === 'single' ? 1 : example.labels), penalty);
}

const nudged = (values: readonly number[], index: number, by: number) => values.map((value, at) => (at === index ? value + by : value));

describe.each(fixtures)('fitVectorScaling: $kind, $n documents, $labels labels', (example) => {
  const kind = example.kind as Kind;
  const { logits, targets, n, labels, temperature } = example;
  const fitted = fitVectorScaling(logits, targets, n, labels, kind, temperature);

  it("finds scipy's minimum", () => {
    const apart = [
      ...fitted.scales.map((scale, label) => scale - example.scales[label]!),
      ...fitted.biases.map((bias, label) => bias - example.biases[label]!),
    ];
    expect(Math.max(...apart.map(Math.abs))).toBeLessThan(1e-7);
  });

  it('is flat there in every direction, by central differences, and higher around', () => {
    const here = objective(example, fitted);
    const step = 1e-4;
    for (let label = 0; label < labels; label++) {
      for (const part of ['scales', 'biases'] as const) {
        const [below, above] = [-step, step].map((by) => objective(example, { ...fitted, [part]: nudged(fitted[part], label, by) }));
        expect(Math.abs(above! - below!) / (2 * step)).toBeLessThan(1e-5 * here);
        expect(Math.min(above!, below!)).toBeGreaterThan(here);
      }
    }
  });

  it('may leave labels at the temperature, and is flat in all other directions', () => {
    if (labels === 1) return;
    const partly = fitVectorScaling(logits, targets, n, labels, kind, temperature, (label) => label === 1);
    expect([partly.scales[1], partly.biases[1]]).toEqual([1 / temperature, 0]);
    const here = objective(example, partly);
    for (const label of Array(labels).keys()) {
      const [below, above] = [-1e-4, 1e-4].map((by) => objective(example, { ...partly, biases: nudged(partly.biases, label, by) }));
      const slope = Math.abs(above! - below!) / 2e-4;
      if (label !== 1) expect(slope).toBeLessThan(1e-5 * here);
    }
  });

  it('follows the order of the labels', () => {
    const turned = (values: readonly number[]) => values.map((_, at) => values[at - (at % labels) + labels - 1 - (at % labels)]!);
    const { scales, biases } = fitVectorScaling(turned(logits), turned(targets), n, labels, kind, temperature);
    for (let label = 0; label < labels; label++) {
      expect(scales[labels - 1 - label]).toBeCloseTo(fitted.scales[label]!, 7);
      expect(biases[labels - 1 - label]).toBeCloseTo(fitted.biases[label]!, 7);
    }
  });
});

describe('fitVectorScaling', () => {
  it('is the temperature where no document says otherwise', () => {
    expect(fitVectorScaling([], [], 0, 2, 'single', 4)).toEqual({ method: 'vector', scales: [0.25, 0.25], biases: [0, 0] });
  });

  it('stays near the temperature where documents are few, and leaves it as they become many', () => {
    // The second label is always two logits too low.
    const biased = (n: number) => {
      const targets = Array.from({ length: n }, (_, document) => (document % 2 === 0 ? [1, 0] : [0, 1])).flat();
      const { biases } = fitVectorScaling(
        targets.map((share, at) => 2 * share - 2 * (at % 2)),
        targets,
        n,
        2,
        'single',
        1,
      );
      return biases[1]! - biases[0]!;
    };
    expect(biased(2)).toBeLessThan(0.1);
    expect(biased(20)).toBeGreaterThan(biased(2));
    expect(biased(20_000)).toBeGreaterThan(1.5);
  });

  it('may decide otherwise than the logits do', () => {
    // Whoever is unsure of the first label is right about the second.
    const logits = Array.from({ length: 400 }, (_, document) => (document % 4 === 0 ? [3, 0] : [1, 0])).flat();
    const targets = Array.from({ length: 400 }, (_, document) => (document % 4 === 0 ? [1, 0] : [0, 1])).flat();
    const [first, second] = probabilities([1, 0], 0, 2, 'single', fitVectorScaling(logits, targets, 400, 2, 'single', 1));
    expect(second).toBeGreaterThan(first!);
  });

  it('does not see what all logits of a row share', () => {
    const { logits, targets, n, labels, temperature } = fixtures[1]!;
    const shifted = logits.map((logit, at) => logit + 50 * (Math.floor(at / labels) % 7));
    const [here, there] = [logits, shifted].map((own) => fitVectorScaling(own, targets, n, labels, 'single', temperature));
    for (let label = 0; label < labels; label++) expect(there!.scales[label]).toBeCloseTo(here!.scales[label]!, 7);
  });

  it('ends where labels are told apart perfectly, and where they never are', () => {
    const targets = [1, 0, 0, 1];
    for (const logits of [
      [1e4, -1e4, -1e4, 1e4],
      [-1e4, 1e4, 1e4, -1e4],
      [0, 0, 0, 0],
    ]) {
      const { scales, biases } = fitVectorScaling(logits, targets, 2, 2, 'single', 1);
      expect([...scales, ...biases].every(Number.isFinite)).toBe(true);
    }
  });
});
