import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Tape } from '../autodiff/tape.ts';
import { logLoss } from '../log-loss.ts';
import { floats, floatsOf, openSession } from '../onnx/session.ts';
import { type LossSettings, losses } from './loss.ts';

/** The losses of two texts under the graph. */
async function lossOf(settings: LossSettings) {
  const tape = new Tape();
  const loss = losses(tape, tape.input('logits', 'float', [2, 3]), tape.input('targets', 'float', [2, 3]), settings);
  tape.output('loss', loss);
  const session = await openSession(tape.toBytes(), { threads: 1 });
  return async (logits: number[], targets: number[]) => {
    const feeds = { logits: floats(Float32Array.from(logits), [2, 3]), targets: floats(Float32Array.from(targets), [2, 3]) };
    return rows([...floatsOf((await session.run(feeds))['loss']!)]).map((row) => row.reduce((sum, each) => sum + each, 0));
  };
}

const six = (least: number, most: number) => fc.array(fc.double({ min: least, max: most, noNaN: true }), { minLength: 6, maxLength: 6 });
const rows = (cells: readonly number[]) => [cells.slice(0, 3), cells.slice(3)];
const softmax = (logits: readonly number[]) => {
  const powers = logits.map((logit) => Math.exp(logit));
  return powers.map((power) => power / powers.reduce((sum, each) => sum + each, 0));
};
const logistic = (logit: number) => 1 / (1 + Math.exp(-logit));
const mean = (numbers: readonly number[]) => numbers.reduce((sum, each) => sum + each, 0) / numbers.length;

async function check(settings: LossSettings, expected: (logits: number[], targets: number[]) => number): Promise<void> {
  const loss = await lossOf(settings);
  await fc.assert(
    fc.asyncProperty(six(-8, 8), six(0.01, 1), async (logits, shares) => {
      const targets =
        settings.kind === 'multi'
          ? shares
          : rows(shares).flatMap((row) => row.map((share) => share / row.reduce((sum, each) => sum + each, 0)));
      const found = await loss(logits, targets);
      rows(logits).forEach((row, text) => {
        expect(found[text]).toBeCloseTo(expected(row, rows(targets)[text]!), 4);
      });
    }),
    { numRuns: 50 },
  );
}

describe('the loss of texts', () => {
  it('is the cross entropy of exclusive labels, hard or soft', () =>
    check({ kind: 'single', noiseRobustness: null }, (logits, targets) => {
      const shares = softmax(logits);
      return -targets.reduce((sum, target, label) => sum + target * Math.log(shares[label]!), 0);
    }));

  it('is the mean binary cross entropy of several labels', () =>
    check({ kind: 'multi', noiseRobustness: null }, (logits, targets) =>
      mean(logits.map((logit, label) => -targets[label]! * Math.log(logistic(logit)) - (1 - targets[label]!) * Math.log(logistic(-logit)))),
    ));

  it('is the generalized cross entropy where it is to be robust', () =>
    check({ kind: 'single', noiseRobustness: 0.7 }, (logits, targets) => {
      const shares = softmax(logits);
      return targets.reduce((sum, target, label) => sum + (target * (1 - shares[label]! ** 0.7)) / 0.7, 0);
    }));

  it('is bounded for a certain mistake where it is to be robust, and is not otherwise', async () => {
    const mistake = [
      [30, 0, 0, 30, 0, 0],
      [0, 1, 0, 0, 0, 1],
    ] as const;
    for (const kind of ['single', 'multi'] as const) {
      const [robust] = await (await lossOf({ kind, noiseRobustness: 0.7 }))([...mistake[0]], [...mistake[1]]);
      const [plain] = await (await lossOf({ kind, noiseRobustness: null }))([...mistake[0]], [...mistake[1]]);
      expect(robust).toBeLessThan(1 / 0.7 + 1e-6);
      expect(plain).toBeGreaterThan(8);
    }
  });

  it.each(['single', 'multi'] as const)('agrees with the log-loss of held-out texts for %s labels', async (kind) => {
    const logits = [1, -2, 0.5, 3, 0, -1];
    const targets = [1, 0, 0, 0.2, 0.3, 0.5];
    const [first, second] = await (await lossOf({ kind, noiseRobustness: null }))(logits, targets);
    const texts = rows(targets).map((target, text) => ({ target, weights: target.map(() => 1 + text) }));
    expect(logLoss(Float32Array.from(logits), texts, kind)).toBeCloseTo((first! + 2 * second!) / 3, 5);
  });
});
