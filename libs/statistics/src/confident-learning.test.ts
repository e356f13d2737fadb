import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { likelyMislabelled } from './confident-learning.ts';

/** cleanlab's answers: see fixtures/make_fixtures.py. */
const oracle = JSON.parse(readFileSync(join(import.meta.dirname, '../fixtures/confident-learning.json'), 'utf8')) as {
  given: number[];
  probabilities: number[][];
  flagged: number[];
}[];

describe('confident learning', () => {
  it.each(oracle)('flags what cleanlab flags ($given.length rows)', ({ given, probabilities, flagged }) => {
    expect(flagged.length).toBeGreaterThan(0);
    expect(likelyMislabelled(probabilities, given).map(({ row }) => row)).toEqual(flagged);
  });

  it('flags the one wrong label among clear ones, and says the class that it seems to be of', () => {
    const probabilities = [0.95, 0.9, 0.1, 0.05, 0.94].map((share) => [share, 1 - share]);
    expect(likelyMislabelled(probabilities, [0, 0, 1, 1, 1])).toEqual([{ row: 4, confident: 0 }]);
  });

  it('flags nothing where a single class was ever given', () => {
    const rows = fc.array(fc.double({ min: 0.01, max: 0.99, noNaN: true }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(rows, (shares) => {
        const probabilities = shares.map((share) => [share, 1 - share]);
        expect(
          likelyMislabelled(
            probabilities,
            shares.map(() => 0),
          ),
        ).toEqual([]);
      }),
    );
  });

  it('refuses what does not fit together', () => {
    expect(() => likelyMislabelled([[1, 0]], [0, 1])).toThrow(RangeError);
  });
});
