import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aModel, anEvaluationOf } from './model-builder.fixture.ts';
import { modelToPromote } from './promotion.ts';

/** Models of rounds 1, 2, … by their agreement with the teacher, each with an interval of 0.02 to both sides. */
const agreeing = (...accuracies: number[]) => accuracies.map((accuracy, index) => aModel(index + 1, anEvaluationOf('teacher', accuracy)));

describe('modelToPromote', () => {
  it('is none where there is none', () => {
    expect(modelToPromote([])).toBeNull();
  });

  it.each([
    ['the newest, though an older one seems a little better', [0.8, 0.9, 0.88], 3],
    ['an older one, where the newest is clearly worse', [0.8, 0.9, 0.7], 2],
    ['an older one, where the newest is clearly worse than any of them', [0.9, 0.87, 0.84], 2],
    ['the newest of those that no older one clearly beats', [0.9, 0.7, 0.6], 1],
  ])('is %s', (_, accuracies, round) => {
    expect(modelToPromote(agreeing(...accuracies))).toMatchObject({ digest: `model-${round}` });
  });

  it('does not depend on the order in which the models were heard of', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 6 }), (accuracies) => {
        const models = agreeing(...accuracies);
        expect(modelToPromote(models.toReversed())).toEqual(modelToPromote(models));
      }),
    );
  });

  it('never looks at certify gold, which would no longer certify the one that it chose', () => {
    const [teacher, good, bad] = [anEvaluationOf('teacher', 0.9), anEvaluationOf('human', 0.99), anEvaluationOf('human', 0.1)];
    expect(modelToPromote([aModel(1, teacher, good), aModel(2, teacher, bad)])).toMatchObject({ digest: 'model-2' });
  });

  it('takes a model without an agreement for no worse than others', () => {
    expect(modelToPromote([aModel(1, anEvaluationOf('teacher', 0.9)), aModel(2)])).toMatchObject({ digest: 'model-2' });
  });
});
