import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answerTokens } from './tokens.ts';
import { wordAnswer } from './wording.ts';

const labelSets = fc.uniqueArray(fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }), { minLength: 2, maxLength: 6 });

function textOf(tokens: ReturnType<typeof answerTokens>): string {
  return tokens.map((token) => token.token).join('');
}

function probabilityOf(tokens: ReturnType<typeof answerTokens>): number {
  return Math.exp(tokens.reduce((sum, token) => sum + token.logprob, 0));
}

describe('tokens of an answer', () => {
  it('make up its JSON and multiply to the probability of its one label', () => {
    fc.assert(
      fc.property(
        labelSets,
        fc.nat(),
        fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 6, maxLength: 6 }),
        (labels, pick, weights) => {
          const total = labels.reduce((sum, _, index) => sum + weights[index]!, 0);
          const probabilities = new Map(labels.map((label, index) => [label, weights[index]! / total]));
          const label = labels[pick % labels.length]!;
          const tokens = answerTokens(wordAnswer({ kind: 'single', labels: [label], probabilities }, false));
          expect(textOf(tokens)).toBe(JSON.stringify({ label }));
          expect(probabilityOf(tokens)).toBeCloseTo(probabilities.get(label)!, 2);
        },
      ),
    );
  });

  it('multiply to the probability of any set of labels', () => {
    const shares = fc.array(fc.record({ taken: fc.boolean(), probability: fc.double({ min: 0.02, max: 0.98, noNaN: true }) }), {
      minLength: 6,
      maxLength: 6,
    });
    fc.assert(
      fc.property(labelSets, shares, (labels, said) => {
        const probabilities = new Map(labels.map((label, index) => [label, said[index]!.probability]));
        const taken = labels.filter((_, index) => said[index]!.taken);
        const tokens = answerTokens(wordAnswer({ kind: 'multi', labels: taken, probabilities }, false));
        expect(textOf(tokens)).toBe(JSON.stringify({ labels: taken }));
        const expected = labels.reduce(
          (product, _, index) => product * (said[index]!.taken ? said[index]!.probability : 1 - said[index]!.probability),
          1,
        );
        expect(probabilityOf(tokens)).toBeCloseTo(expected, 2);
      }),
    );
  });

  it('name the other labels where the answer could have gone another way', () => {
    const probabilities = new Map([
      ['positive', 0.7],
      ['possible', 0.2],
      ['negative', 0.1],
    ]);
    const tokens = answerTokens(wordAnswer({ kind: 'single', labels: ['positive'], probabilities }, false));
    const open = tokens.filter((token) => token.alternatives.length > 1);
    expect(open.map((token) => token.alternatives.map((alternative) => alternative.token))).toEqual([['posit', 'possi', 'negat']]);
    expect(open[0]!.logprob).toBeCloseTo(Math.log(0.7), 6);
  });
});
