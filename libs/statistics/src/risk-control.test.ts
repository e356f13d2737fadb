import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { binomialTail } from './binomial.ts';
import { agreementThreshold, certifyThreshold, type ScoredDecisions } from './risk-control.ts';

const targetError = 0.05;
const confidence = 0.95;

/** Documents of one confidence, the first `wrong` of them wrong. */
function block(at: number, documents: number, wrong = 0): Pick<ScoredDecisions, 'confidences' | 'errors'> {
  return { confidences: new Array(documents).fill(at), errors: Array.from({ length: documents }, (_, index) => index < wrong) };
}

function decisionsOf(...blocks: ReturnType<typeof block>[]): ScoredDecisions & { confidence: number } {
  return {
    confidences: blocks.flatMap((part) => part.confidences),
    errors: blocks.flatMap((part) => part.errors),
    targetError,
    confidence,
  };
}

function accepted({ confidences, errors }: ScoredDecisions, threshold: number): { documents: number; wrong: number } {
  const kept = errors.filter((_, document) => confidences[document]! >= threshold);
  return { documents: kept.length, wrong: kept.filter(Boolean).length };
}

const anyDecisions = fc
  .array(fc.record({ confidence: fc.integer({ min: 0, max: 20 }).map((step) => step / 20), chance: fc.integer({ min: 1, max: 100 }) }), {
    minLength: 1,
    maxLength: 300,
  })
  .map((documents) => ({
    confidences: documents.map((document) => document.confidence),
    errors: documents.map((document) => document.chance > 100 * document.confidence),
    targetError: 0.2,
    confidence: 0.9,
  }));

describe('certifyThreshold', () => {
  it('certifies all documents where 59 are right, as 0.95^59 < 0.05, and not where 58 are', () => {
    expect(certifyThreshold(decisionsOf(block(0.7, 59)))).toEqual({ certified: true, threshold: 0, coverage: 1, accepted: 59, errors: 0 });
    expect(certifyThreshold(decisionsOf(block(0.7, 58)))).toEqual({ certified: false, goldNeeded: 1 });
  });

  it('stops where the accepted are wrong too often, and accepts all that are as sure as the threshold', () => {
    const result = certifyThreshold(decisionsOf(block(0.9, 100), block(0.6, 30, 15), block(0.3, 30)));
    expect(result).toEqual({ certified: true, threshold: 0.61, coverage: 100 / 160, accepted: 100, errors: 0 });
    expect(certifyThreshold(decisionsOf(block(0.9, 60), block(0.61, 40, 1)))).toMatchObject({ threshold: 0, accepted: 100, errors: 1 });
    // One threshold for all 40 of 0.6: the first of them alone would still do.
    expect(certifyThreshold(decisionsOf(block(0.9, 60), block(0.6, 40, 4)))).toMatchObject({ threshold: 0.61, accepted: 60, errors: 0 });
  });

  it('does not look below the first threshold that fails', () => {
    const certain = decisionsOf(block(0.9, 80, 4), block(0.8, 900));
    expect(binomialTail(4, 980, targetError)).toBeLessThan(1e-9);
    // The quarter of the documents at which tests begin lies below the four errors, so they do no harm …
    expect(certifyThreshold(certain)).toMatchObject({ certified: true, threshold: 0, errors: 4 });
    // … unlike among fewer documents, where they end the tests.
    expect(certifyThreshold(decisionsOf(block(0.9, 80, 4), block(0.8, 220)))).toMatchObject({ certified: false });
  });

  it('says how many documents are missing', () => {
    const needed = (...blocks: ReturnType<typeof block>[]) => {
      const result = certifyThreshold(decisionsOf(...blocks));
      return result.certified ? 'certified' : result.goldNeeded;
    };
    expect(needed()).toBe(59);
    expect(needed(block(0.9, 30))).toBe(29);
    // A third of the documents is sure and right: three documents for each of 39 more.
    expect(needed(block(0.9, 20), block(0.4, 40, 30))).toBe(117);
    expect(needed(block(0.9, 200, 40))).toBeNull();
    // Five documents, one of them wrong, do not show that no number would do.
    expect(needed(block(0.9, 5, 1))).toBeGreaterThan(59);
  });

  it('never asks for more than certifies if all of the further ones are right', () => {
    fc.assert(
      fc.property(anyDecisions, (decisions) => {
        const result = certifyThreshold(decisions);
        if (result.certified || result.goldNeeded === null) return;
        expect(result.goldNeeded).toBeGreaterThan(0);
        const further = block(1, result.goldNeeded + decisions.errors.length);
        const more = {
          ...decisions,
          confidences: [...decisions.confidences, ...further.confidences],
          errors: [...decisions.errors, ...further.errors],
        };
        expect(certifyThreshold(more).certified).toBe(true);
      }),
    );
  });

  it('reports what its threshold accepts, which is few enough wrong ones', () => {
    fc.assert(
      fc.property(anyDecisions, (decisions) => {
        const result = certifyThreshold(decisions);
        if (!result.certified) return;
        const { documents, wrong } = accepted(decisions, result.threshold);
        expect(result).toMatchObject({ accepted: documents, errors: wrong, coverage: documents / decisions.errors.length });
        expect(binomialTail(wrong, documents, decisions.targetError)).toBeLessThanOrEqual(0.1);
      }),
    );
  });

  it('refuses what is no decision', () => {
    const good = decisionsOf(block(0.9, 2));
    for (const bad of [
      { errors: [true] },
      { confidences: [0.5, Number.NaN] },
      { confidences: [0.5, 1.1] },
      { targetError: 0 },
      { targetError: 1 },
      { confidence: 1 },
    ]) {
      expect(() => certifyThreshold({ ...good, ...bad })).toThrow(RangeError);
    }
  });
});

/** A population: shares of documents by confidence, and how often those are wrong. */
type Population = readonly { readonly confidence: number; readonly share: number; readonly error: number }[];

const sureness = Array.from({ length: 50 }, (_, step) => 0.5 + step / 100);
const even = (errorAt: (confidence: number) => number): Population =>
  sureness.map((at) => ({ confidence: at + 0.005, share: 1 / sureness.length, error: errorAt(at) }));

describe('a certified threshold', () => {
  const draws = 3000;
  const [target, level] = [0.1, 0.9];
  const populations: { name: string; population: Population; documents: number }[] = [
    { name: 'a student a little too bad everywhere', population: even(() => 0.1001), documents: 120 },
    { name: 'the same with more documents', population: even(() => 0.1001), documents: 400 },
    { name: 'a calibrated student', population: even((at) => 1 - at), documents: 200 },
    { name: 'a step from good to bad', population: even((at) => (at >= 0.75 ? 0.0999 : 0.12)), documents: 300 },
    {
      name: 'many documents of equal confidence',
      population: [
        { confidence: 0.95, share: 0.4, error: 0.02 },
        { confidence: 0.9, share: 0.4, error: 0.181 },
        { confidence: 0.5, share: 0.2, error: 0.3 },
      ],
      documents: 150,
    },
    {
      // The first test needs 22 accepted documents, which these draws have about half of the time.
      name: 'a start that chance decides',
      population: [
        { confidence: 0.95, share: 0.36, error: 0.1001 },
        { confidence: 0.7, share: 0.64, error: 0.102 },
      ],
      documents: 60,
    },
    {
      name: 'a student that errs more where it is sure',
      population: [
        { confidence: 0.95, share: 0.36, error: 0.11 },
        { confidence: 0.8, share: 0.34, error: 0.091 },
        { confidence: 0.7, share: 0.3, error: 0.1001 },
      ],
      documents: 60,
    },
  ];

  it.each(populations)('misses its target no more often than it says: $name', ({ population, documents }) => {
    const random = mulberry32(20261124);
    let misses = 0;
    for (let draw = 0; draw < draws; draw++) {
      const drawn = Array.from({ length: documents }, () => pick(population, random()));
      const result = certifyThreshold({
        confidences: drawn.map((document) => document.confidence),
        errors: drawn.map((document) => random() < document.error),
        targetError: target,
        confidence: level,
      });
      if (result.certified && errorAbove(population, result.threshold) > target) misses += 1;
    }
    // So many misses or more have a probability above 1 in 1,000 where each draw misses with the probability allowed.
    expect(1 - binomialTail(misses - 1, draws, 1 - level)).toBeGreaterThan(0.001);
  });

  it('is found for most of the documents that could be accepted, given enough gold', () => {
    const random = mulberry32(7);
    const population = even((at) => 2 * (1 - at) ** 2);
    const coverages = Array.from({ length: 200 }, () => {
      const drawn = Array.from({ length: 500 }, () => pick(population, random()));
      const errors = drawn.map((document) => random() < document.error);
      const result = certifyThreshold({
        confidences: drawn.map((document) => document.confidence),
        errors,
        targetError: target,
        confidence: level,
      });
      return result.certified ? result.coverage : 0;
    });
    // The errors above a confidence c are 2/3 (1 - c)^2 of those documents: 0.1 is met above 0.61, by 0.78 of all.
    expect(coverages.reduce((sum, coverage) => sum + coverage, 0) / coverages.length).toBeGreaterThan(0.6);
  });
});

function errorAbove(population: Population, threshold: number): number {
  const kept = population.filter((part) => part.confidence >= threshold);
  return kept.reduce((sum, part) => sum + part.share * part.error, 0) / kept.reduce((sum, part) => sum + part.share, 0);
}

function pick(population: Population, at: number): Population[number] {
  let left = at;
  for (const part of population) {
    if (left < part.share) return part;
    left -= part.share;
  }
  return population.at(-1)!;
}

/** Tommy Ettinger's generator of 32 bits of state: small, and good enough to draw documents. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let word = Math.imul(state ^ (state >>> 15), 1 | state);
    word = (word + Math.imul(word ^ (word >>> 7), 61 | word)) ^ word;
    return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe('agreementThreshold', () => {
  it('is the lowest confidence above which few enough are wrong', () => {
    expect(agreementThreshold(decisionsOf(block(0.9, 40, 1), block(0.7, 20, 1), block(0.5, 20, 10)))).toBe(0.7);
    expect(agreementThreshold(decisionsOf(block(0.5, 20, 1)))).toBe(0.5);
  });

  it('takes all documents of one confidence or none', () => {
    expect(agreementThreshold(decisionsOf(block(0.9, 30), block(0.6, 3, 3)))).toBe(0.9);
  });

  it('is none where too few are accepted to tell, or too many wrong', () => {
    expect(agreementThreshold(decisionsOf(block(0.99, 19)))).toBeNull();
    expect(agreementThreshold(decisionsOf(block(0.99, 100, 6)))).toBeNull();
    expect(agreementThreshold(decisionsOf())).toBeNull();
  });

  it('may look past errors at the top', () => {
    expect(agreementThreshold(decisionsOf(block(0.99, 1, 1), block(0.9, 39)))).toBe(0.9);
  });

  it('agrees with trying every confidence', () => {
    fc.assert(
      fc.property(anyDecisions, (decisions) => {
        const fit = decisions.confidences.filter((threshold) => {
          const { documents, wrong } = accepted(decisions, threshold);
          return documents >= 5 && wrong / documents <= 0.2;
        });
        expect(agreementThreshold(decisions)).toBe(fit.length === 0 ? null : Math.min(...fit));
      }),
    );
  });

  it('refuses what is no decision', () => {
    expect(() => agreementThreshold({ confidences: [0.5], errors: [], targetError })).toThrow(RangeError);
  });
});
