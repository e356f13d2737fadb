import type { LabelSet } from '@llambert/domain';
import { describe, expect, it } from 'vitest';
import type { ScoredDocuments } from './evaluation.ts';
import { chooseThreshold } from './routing.ts';

const labels: LabelSet = { kind: 'single', names: ['a', 'b'] };
const settings = { targetError: 0.05, confidence: 0.95 };
const none: ScoredDocuments = { probabilities: [], targets: [] };

/** `count` documents with confidences from 0.5 to 1, wrong where `wrong` says so. */
function scored(count: number, wrong: (confidence: number, index: number) => boolean): ScoredDocuments {
  const confidences = Array.from({ length: count }, (_, index) => 0.5 + (0.5 * (index + 0.5)) / count);
  return {
    probabilities: confidences.map((confidence) => [confidence, 1 - confidence]),
    targets: confidences.map((confidence, index) => (wrong(confidence, index) ? [0, 1] : [1, 0])),
  };
}

const unsureAreWrong = (confidence: number, index: number) => confidence < 0.7 && index % 2 === 0;

describe('the threshold', () => {
  it('without gold is where the student agrees with the teacher, and says that it is not certified', () => {
    const routing = chooseThreshold(labels, settings, scored(1000, unsureAreWrong), none);
    expect(routing).toMatchObject({ certified: false, reference: 'teacher', documents: 1000 });
    expect(routing.threshold).toBeGreaterThan(0.6);
    expect(routing.threshold).toBeLessThan(0.75);
    expect(routing.observedError).toBeLessThanOrEqual(settings.targetError);
    expect(routing.goldNeeded).toBeGreaterThan(0);
    expect(routing.explanation).toContain('there is no certify gold');
  });

  it('with enough gold is certified against people', () => {
    const routing = chooseThreshold(labels, settings, scored(1000, unsureAreWrong), scored(1000, unsureAreWrong));
    expect(routing).toMatchObject({ certified: true, reference: 'human', documents: 1000, goldNeeded: null });
    expect(routing.coverage).toBeGreaterThan(0.5);
    expect(routing.observedError).toBeLessThanOrEqual(settings.targetError);
  });

  it('with too little gold says how much more is needed', () => {
    const routing = chooseThreshold(
      labels,
      settings,
      scored(1000, unsureAreWrong),
      scored(10, () => false),
    );
    expect(routing.certified).toBe(false);
    expect(routing.goldNeeded).toBeGreaterThan(20);
    expect(routing.explanation).toContain('10 certify gold documents are too few');
  });

  it('where gold shows that the student errs too often everywhere, nothing is automatic', () => {
    const routing = chooseThreshold(
      labels,
      settings,
      scored(1000, unsureAreWrong),
      scored(1000, (_, index) => index % 2 === 0),
    );
    expect(routing).toMatchObject({ certified: false, threshold: null });
    expect(routing.explanation).toContain('errs too often');
  });
});
