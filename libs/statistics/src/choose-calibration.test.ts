import { describe, expect, it } from 'vitest';
import { fitTemperature, type Kind, probabilities, smoothed } from './calibration.ts';
import { chooseCalibration } from './choose-calibration.ts';
import { logLosses } from './scores.ts';

/** Numbers in [0, 1) that repeat. */
function numbersFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Documents whose labels follow the softmax (or the sigmoids) of their true logits; a student adds to these `bias`, and makes them `sure` times as great. */
function drawn(n: number, kind: Kind, bias: readonly number[], sure: number, seed = 1) {
  const uniform = numbersFrom(seed);
  const labels = bias.length;
  const logits: number[] = [];
  const targets: number[] = [];
  for (let document = 0; document < n; document++) {
    const truth = bias.map(() => 6 * uniform() - 3);
    const shares = probabilities(truth, 0, labels, kind, { method: 'temperature', temperature: 1 });
    const at = uniform();
    const chosen = shares.findIndex((_, label) => at < shares.slice(0, label + 1).reduce((sum, share) => sum + share));
    for (const [label, own] of truth.entries()) {
      logits.push(sure * (own + bias[label]!));
      targets.push(kind === 'multi' ? (uniform() < shares[label]! ? 1 : 0) : label === chosen ? 1 : 0);
    }
  }
  return { logits, targets, n, labels, kind };
}

const choose = (data: ReturnType<typeof drawn>) => chooseCalibration(data.logits, data.targets, data.n, data.labels, data.kind);

describe.each(['single', 'multi'] as const)('the calibration of %s labels', (kind) => {
  it('is a temperature where one puts all labels right', async () => {
    const { calibration, comparison } = await choose(drawn(1000, kind, [0, 0, 0], 3));
    expect(calibration).toMatchObject({ method: 'temperature' });
    if (calibration.method === 'temperature') expect(calibration.temperature).toBeCloseTo(3, 0);
    expect(comparison).toMatchObject({ temperatureLogLoss: expect.any(Number), vectorLogLoss: expect.any(Number) });
  });

  it('is a vector where the student favours a label, and then does better on other documents', async () => {
    const bias = [1, 0, -1];
    const { calibration, comparison } = await choose(drawn(1000, kind, bias, 2));
    expect(calibration.method).toBe('vector');
    if (comparison === null) throw new Error('nothing was compared');
    expect(comparison.temperatureLogLoss - comparison.vectorLogLoss).toBeGreaterThan(comparison.standardError);
    const others = drawn(2000, kind, bias, 2, 2);
    const mean = (own: typeof calibration) =>
      logLosses(others.logits, others.targets, 3, kind, own).reduce((sum, loss) => sum + loss / others.n, 0);
    // What cross-validation saw is what comes.
    expect(mean(calibration)).toBeCloseTo(comparison.vectorLogLoss, 1);
    expect(mean(calibration)).toBeLessThan(mean({ method: 'temperature', temperature: 2 }));
  });

  it('leaves a label that few documents have at the temperature, and is one where all are rare', async () => {
    const data = drawn(1000, kind, [1, -1, 0], 2);
    // The third label is there nine times; what else had it has the first.
    const targets = data.targets.map((target, at, all) => {
      if (at % 3 === 2) return at < 27 ? 1 : 0;
      if (kind === 'multi') return target;
      if (at < 27) return 0;
      return at % 3 === 0 ? Math.max(target, all[at + 2]!) : target;
    });
    const { calibration, rare } = await choose({ ...data, targets });
    expect(rare).toEqual([2]);
    if (calibration.method !== 'vector') throw new Error('it is one temperature');
    const temperature = fitTemperature(data.logits, smoothed(targets, data.n, 3, kind), data.n, 3, kind);
    expect(calibration.scales.map((scale) => scale * temperature === 1)).toEqual([false, false, true]);
    expect(calibration.biases.map((bias) => bias === 0)).toEqual([false, false, true]);
    const few = await choose(drawn(9, kind, [1, -1, 0], 2));
    expect(few).toMatchObject({ calibration: { method: 'temperature' }, comparison: null, rare: [0, 1, 2] });
  });
});

describe('the calibration', () => {
  it('of no documents is the temperature 1', async () => {
    const { calibration, probabilities: none } = await chooseCalibration([], [], 0, 2, 'single');
    expect(calibration).toEqual({ method: 'temperature', temperature: 1 });
    expect(none).toHaveLength(0);
  });

  it('flatters no document: a vector that was fitted to a document has no part in its probabilities', async () => {
    const data = drawn(200, 'single', [1, 0, -1], 2);
    const { calibration, comparison, probabilities: shares } = await choose(data);
    if (comparison === null) throw new Error('nothing was compared');
    const losses = data.targets.reduce((sum, target, at) => sum - target * Math.log(shares[at]!), 0) / data.n;
    expect(losses).toBeCloseTo(comparison.vectorLogLoss, 10);
    const fitted = logLosses(data.logits, data.targets, 3, 'single', calibration).reduce((sum, loss) => sum + loss / data.n, 0);
    expect(fitted).toBeLessThan(losses);
  });

  it('waits before each fold, so that others get their turn', async () => {
    let pauses = 0;
    const { logits, targets, n } = drawn(100, 'single', [0, 0], 1);
    await chooseCalibration(logits, targets, n, 2, 'single', async () => {
      pauses++;
    });
    expect(pauses).toBe(5);
  });
});
