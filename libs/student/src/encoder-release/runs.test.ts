import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { longestInBatch, planRuns as planned } from './runs.ts';

const planRuns = (own: readonly number[]) => planned(own, longestInBatch);
const lengths = fc.array(fc.integer({ min: 2, max: 512 }), { maxLength: 200 });

describe('planRuns', () => {
  it('runs every text once', () => {
    fc.assert(
      fc.property(lengths, (own) => {
        const texts = planRuns(own).flatMap((run) => run.texts);
        expect(texts.sort((left, right) => left - right)).toEqual([...own.keys()]);
      }),
    );
  });

  it('chooses the graph by the length of the text alone', () => {
    fc.assert(
      fc.property(lengths, (own) => {
        for (const { variant, texts } of planRuns(own)) {
          for (const text of texts) expect(planRuns([own[text]!])).toEqual([{ variant, texts: [0] }]);
          if (variant === 'single') expect(texts.length).toBe(1);
        }
      }),
    );
  });

  it('keeps runs small and pads little', () => {
    fc.assert(
      fc.property(lengths, (own) => {
        for (const { texts } of planRuns(own)) {
          if (texts.length === 1) continue;
          const longest = Math.max(...texts.map((text) => own[text]!));
          expect(longest * texts.length).toBeLessThanOrEqual(256);
          expect(texts.reduce((padding, text) => padding + longest - own[text]!, 0)).toBeLessThanOrEqual(10);
        }
      }),
    );
  });

  it('puts texts of like length together', () => {
    expect(planRuns([12, 200, 11, 60, 12]).map(({ texts }) => texts)).toEqual([[2, 0, 4], [3], [1]]);
  });
});
