import type { LabelSet, TokenLogProbability } from '@llambert/domain';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { confidenceOf } from './confidence.ts';

const log = Math.log;
const token = (text: string, probability = 1, alternatives: Record<string, number> = {}): TokenLogProbability => ({
  token: text,
  logProbability: log(probability),
  alternatives: Object.entries({ [text]: probability, ...alternatives }).map(([other, p]) => ({ token: other, logProbability: log(p) })),
});
const mood: LabelSet = { kind: 'single', names: ['positive', 'negative', 'neutral'] };

describe('confidence of one label', () => {
  it('is the product over the tokens of the label, wherever their borders are', () => {
    const tokens = [token('{"label":', 0.5), token(' "pos', 0.9), token('it', 0.8), token('ive"', 0.7), token('}', 0.1)];
    expect(confidenceOf({ tokens }, ['positive'], mood).confidence).toBeCloseTo(0.9 * 0.8 * 0.7, 12);
  });

  it('looks at the value, not at a mention before it', () => {
    const tokens = [token('positive? {"label":"', 0.3), token('positive', 0.6), token('"}')];
    expect(confidenceOf({ tokens }, ['positive'], mood).confidence).toBeCloseTo(0.6, 12);
  });

  it('is not known without tokens, without the label in them, or with the label in two places', () => {
    const nothing = { confidence: null, distribution: null };
    expect(confidenceOf({ tokens: null }, ['positive'], mood)).toEqual(nothing);
    expect(confidenceOf({ tokens: [token('Positive')] }, ['positive'], mood)).toEqual(nothing);
    expect(confidenceOf({ tokens: [token('positive, yes positive', 0.5)] }, ['positive'], mood)).toEqual(nothing);
  });

  it('counts the end of a label that another one begins like', () => {
    const cards: LabelSet = { kind: 'single', names: ['card', 'card_fee', 'cash'] };
    const tokens = [token('{"label":"'), token('card', 0.9, { cash: 0.1 }), token('"}', 0.6, { _fee: 0.4 })];
    const { confidence, distribution } = confidenceOf({ tokens }, ['card'], cards);
    expect(confidence).toBeCloseTo(0.54, 12);
    expect(distribution?.map((p) => Number(p.toFixed(6)))).toEqual([0.54, 0.36, 0.1]);
    expect(confidenceOf({ tokens: [token('card', 0.9)] }, ['card'], cards).confidence).toBeNull();
  });
});

describe('distribution over the labels', () => {
  it('gives each alternative to the label that it begins', () => {
    const tokens = [token('{"label":"'), token('pos', 0.7, { neg: 0.2, neut: 0.05, other: 0.03 }), token('itive'), token('"}')];
    const { distribution } = confidenceOf({ tokens }, ['positive'], mood);
    expect(distribution?.map((p) => Number(p.toFixed(6)))).toEqual([0.7, 0.2, 0.05].map((p) => Number((p / 0.95).toFixed(6))));
  });

  it('follows the chosen tokens to where the labels part', () => {
    const tokens = [token('{"label":"ne', 1), token('g', 0.8, { u: 0.2 }), token('ative"}')];
    const { distribution } = confidenceOf({ tokens }, ['negative'], mood);
    expect(distribution?.[0]).toBe(0);
    expect(distribution?.[1]).toBeCloseTo(0.8, 12);
    expect(distribution?.[2]).toBeCloseTo(0.2, 12);
  });

  it('is not known where too little is listed or an alternative begins several labels', () => {
    const few = [token('{"label":"'), token('positive', 0.5, { neg: 0.3 })];
    expect(confidenceOf({ tokens: few }, ['positive'], mood)).toEqual({ confidence: 0.5, distribution: null });
    const shared = [token('{"label":"'), token('positive', 0.6, { ne: 0.4 })];
    expect(confidenceOf({ tokens: shared }, ['positive'], mood).distribution).toBeNull();
  });

  it('is a distribution, whatever the tokens', () => {
    const probability = fc.double({ min: 0, max: 1, noNaN: true });
    const piece = fc.constantFrom('{"label"', ':', '"', 'pos', 'positive', 'itive', 'ne', 'negative', 'neutral', '"}', ' ');
    const anyToken = fc
      .tuple(piece, probability, fc.dictionary(piece, probability, { maxKeys: 5 }))
      .map(([text, p, others]) => token(text, p, others));
    fc.assert(
      fc.property(fc.array(anyToken, { maxLength: 12 }), fc.constantFrom(...mood.names), (tokens, label) => {
        const { confidence, distribution } = confidenceOf({ tokens }, [label], mood);
        if (confidence !== null) expect(confidence >= 0 && confidence <= 1).toBe(true);
        if (distribution === null) return;
        expect(distribution).toHaveLength(3);
        expect(distribution.every((p) => p >= 0 && p <= 1 + 1e-12)).toBe(true);
        expect(distribution.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 9);
      }),
    );
  });
});

describe('confidence of several labels', () => {
  const topics: LabelSet = { kind: 'multi', names: ['card', 'cash', 'a]b'] };

  it('is the product over the list and its end', () => {
    const tokens = [
      token('{"labels":', 0.5),
      token(' ["', 0.5),
      token('card', 0.9),
      token('","', 0.8),
      token('cash', 0.7),
      token('"]', 0.6),
      token('}', 0.5),
    ];
    expect(confidenceOf({ tokens }, ['card', 'cash'], topics)).toEqual({
      confidence: expect.closeTo(0.5 * 0.9 * 0.8 * 0.7 * 0.6, 12),
      distribution: null,
    });
  });

  it('of an empty list is that of its brackets', () => {
    expect(confidenceOf({ tokens: [token('{"labels":', 0.5), token('[]', 0.9), token('}', 0.5)] }, [], topics).confidence).toBeCloseTo(
      0.9,
      12,
    );
  });

  it('is not ended by a bracket in a label, and not known without a list', () => {
    const tokens = [token('{"labels":["'), token('a]b', 0.9), token('"]', 0.8), token('}', 0.5)];
    expect(confidenceOf({ tokens }, ['a]b'], topics).confidence).toBeCloseTo(0.72, 12);
    expect(confidenceOf({ tokens: [token('card, cash', 0.5)] }, ['card', 'cash'], topics).confidence).toBeNull();
  });
});
