import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { adamW, squaredNorm, warmupThenLinear, zeroMoments } from './adamw.ts';

interface Weights {
  readonly decayed: number[];
  readonly plain: number[];
}

/** PyTorch's answers: see fixtures/make_encoder_fixtures.py. */
const oracle = JSON.parse(readFileSync(join(import.meta.dirname, '../../fixtures/encoders/adamw.json'), 'utf8')) as {
  learningRate: number;
  weightDecay: number;
  start: Weights;
  updates: (Weights & { gradients: Weights; norm: number })[];
};

describe('AdamW', () => {
  it("updates as PyTorch's does, clipped and by its schedule", () => {
    const weights = { decayed: Float32Array.from(oracle.start.decayed), plain: Float32Array.from(oracle.start.plain) };
    const moments = { decayed: zeroMoments(4), plain: zeroMoments(4) };
    for (const [at, update] of oracle.updates.entries()) {
      const gradients = { decayed: Float32Array.from(update.gradients.decayed), plain: Float32Array.from(update.gradients.plain) };
      const norm = Math.sqrt(squaredNorm(gradients.decayed) + squaredNorm(gradients.plain));
      expect(norm).toBeCloseTo(update.norm, 4);
      for (const name of ['decayed', 'plain'] as const) {
        adamW(weights[name], gradients[name], moments[name], {
          learningRate: oracle.learningRate * warmupThenLinear(at, oracle.updates.length, 2),
          weightDecay: name === 'decayed' ? oracle.weightDecay : 0,
          step: at + 1,
          gradientScale: norm > 1 ? 1 / norm : 1,
        });
        for (const [element, wanted] of update[name].entries()) expect(weights[name][element]).toBeCloseTo(wanted, 6);
      }
    }
  });
});

describe('the learning rate', () => {
  it('rises in a line and falls in a line to its last step', () => {
    const shares = Array.from({ length: 10 }, (_, step) => warmupThenLinear(step, 10, 4));
    expect(shares.slice(0, 4)).toEqual([0.25, 0.5, 0.75, 1]);
    expect(shares[4]).toBe(1);
    expect(shares.at(-1)).toBeCloseTo(1 / 6, 12);
    expect(Array.from({ length: 3 }, (_, step) => warmupThenLinear(step, 3, 0))).toEqual([1, 2 / 3, 1 / 3]);
  });
});
