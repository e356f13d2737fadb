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
    ['a little worse', [0.8, 0.9, 0.88]],
    ['clearly worse, which the first documents of a rare label make it seem', [0.987, 0.993, 0.933]],
  ])('is the newest, though by its agreement on more documents it seems %s', (_, accuracies) => {
    expect(modelToPromote(agreeing(...accuracies))).toMatchObject({ digest: 'model-3' });
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
});
