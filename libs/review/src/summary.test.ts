import type { LikelyWrong } from '@llambert/domain';
import { anEvaluation, aTask } from '@llambert/testing';
import { describe, expect, it } from 'vitest';
import { aManifest, anEvaluationOf, uncertified } from './model-builder.fixture.ts';
import { type SummaryFacts, summarize } from './summary.ts';

const facts = (changes: Partial<SummaryFacts> = {}): SummaryFacts => ({
  task: aTask(),
  roundsEnd: 'annotations_used',
  documents: {
    read: 1000,
    labelled: 990,
    deadLetters: 10,
    auto: 700,
    review: 290,
    truncated: 40,
    byLabel: { positive: 600, negative: 390 },
  },
  labelledNow: 990,
  answers: { labelled: 100, rejections: {}, askedAgain: 0, changed: 0 },
  spend: {
    cap: 1e9,
    settled: 200_000,
    reserved: 0,
    calls: 100,
    inputTokens: 5000,
    outputTokens: 500,
    unknownOutcomes: 0,
    unknownCost: 0,
    unmeasuredCalls: 0,
    unmeasuredCost: 0,
  },
  model: { digest: 'digest', manifest: aManifest() },
  evaluations: [
    anEvaluation({ round: 1, annotations: 100, model: 'digest', reason: 'trained', agreement: anEvaluationOf('teacher', 0.9) }),
  ],
  listedDoubts: 0,
  earlierCertifications: 0,
  seconds: { reading: 1, learning: 5, labelling: 2, total: 9 },
  ...changes,
});
const certified = aManifest({
  evaluations: [anEvaluationOf('teacher', 0.9), anEvaluationOf('human', 0.88)],
  routing: { ...uncertified, certified: true, reference: 'human', goldNeeded: null, explanation: 'at most 5 % are wrong' },
});

/** Every object anywhere in a value. */
function objectsIn(value: unknown): Record<string, unknown>[] {
  if (typeof value !== 'object' || value === null) return [];
  const within = Object.values(value).flatMap(objectsIn);
  return Array.isArray(value) ? within : [value as Record<string, unknown>, ...within];
}

describe('summarize', () => {
  it('names the reference of every figure of quality', () => {
    const quality = ['agreement', 'accuracy', 'macroF1', 'brierScore', 'expectedCalibrationError', 'observedError', 'coverage'];
    const claims = objectsIn(summarize(facts({ model: { digest: 'digest', manifest: certified } }))).filter((object) =>
      quality.some((name) => name in object),
    );
    // Two evaluations, the threshold, a round.
    expect(claims).toHaveLength(4);
    for (const claim of claims) expect(['teacher', 'human']).toContain(claim['reference']);
  });

  it("says which part of the logits is the encoder's, where a linear student decides too", () => {
    const both = aManifest({ format: 'llambert.model.v2', student: 'fine-tuned', ensemble: { encoderShare: 0.4 } });
    expect(summarize(facts({ model: { digest: 'digest', manifest: both } })).model).toMatchObject({
      student: 'fine-tuned',
      encoderShare: 0.4,
    });
    expect(summarize(facts()).model!.encoderShare).toBeNull();
  });

  it('marks what is not certified, and says that without gold everything is agreement with the teacher', () => {
    const { model, warnings } = summarize(facts());
    expect(model!.routing.certified).toBe(false);
    expect(warnings).toContain('the "auto" labels are uncertified: there is no certify gold');
    expect(warnings.join()).toContain('agreement with the teacher, not correctness');
  });

  it('warns that gold which judged other settings before proves less', () => {
    const { warnings } = summarize(facts({ earlierCertifications: 2, model: { digest: 'digest', manifest: certified } }));
    expect(warnings.join()).toContain('under 2 other settings');
  });

  it('says what came of looking for wrong labels, and what is to be done where a person is to decide', () => {
    const looking = (likelyWrong: LikelyWrong, doubted: number) => {
      const task = aTask();
      const settings = { ...task.settings, student: { ...task.settings.student, likelyWrong } };
      const answers = { ...facts().answers, askedAgain: 9, changed: 4 };
      const model = { digest: 'digest', manifest: aManifest({ training: { doubted } }) };
      return summarize(facts({ task: { ...task, settings }, answers, model, listedDoubts: Math.min(doubted, 10) }));
    };
    expect(summarize(facts()).doubted).toBeUndefined();
    expect(looking('ask-teacher', 30).doubted).toEqual({ labels: 30, listed: 10, askedAgain: 9, changed: 4 });
    expect(looking('ask-person', 30).warnings.join()).toContain("30 of the teacher's labels are likely wrong");
    for (const nothing of [looking('ask-person', 0), looking('ask-teacher', 30)]) {
      expect(nothing.warnings.join()).not.toContain('likely wrong');
    }
  });

  it('passes on why a training ended early', () => {
    const manifest = aManifest({ training: { 'gold stage: endedEarly': 'the loss was no number' } });
    expect(summarize(facts({ model: { digest: 'digest', manifest } })).warnings).toContain(
      'the training ended early: the loss was no number',
    );
  });

  it('warns of nothing where there is nothing to warn of', () => {
    const nothingDead = { ...facts().documents, deadLetters: 0 };
    expect(summarize(facts({ documents: nothingDead, model: { digest: 'digest', manifest: certified } })).warnings).toEqual([]);
  });

  it('says what people thought where they were asked, also where that did not certify', () => {
    const manifest = aManifest({ evaluations: certified.evaluations });
    const { warnings } = summarize(facts({ model: { digest: 'digest', manifest } }));
    expect(warnings.join()).toContain('uncertified');
    expect(warnings.join()).not.toContain('not correctness');
  });

  it('names the labels that the model never saw', () => {
    const { dataset } = aManifest();
    const warned = (unseenLabels: string[]) =>
      summarize(facts({ model: { digest: 'digest', manifest: aManifest({ dataset: { ...dataset, unseenLabels } }) } })).warnings.join();
    expect(warned(['fraud', 'spam'])).toContain('never saw a text labelled "fraud", "spam"');
    expect(warned([])).not.toContain('never saw');
  });

  it('tells of an agreement that clearly fell, and not of one that moved within its interval', () => {
    const rounds = (...accuracies: number[]) =>
      summarize(
        facts({
          evaluations: accuracies.map((accuracy, index) =>
            anEvaluation({ round: index + 1, agreement: anEvaluationOf('teacher', accuracy) }),
          ),
        }),
      ).warnings.join();
    expect(rounds(0.987, 0.993, 0.933)).toContain('fell from 99.3 % after round 2 to 93.3 % after round 3');
    expect(rounds(0.9, 0.93, 0.92)).not.toContain('fell');
    expect(rounds(0.9, 0.8, 0.95)).not.toContain('fell');
  });

  it('says that nothing is automatic where no probability is high enough', () => {
    const manifest = aManifest({ routing: { ...uncertified, threshold: null, coverage: 0, observedError: null } });
    expect(summarize(facts({ model: { digest: 'digest', manifest } })).warnings.join()).toContain('every label goes to review');
  });

  it('says why there is no model', () => {
    const evaluations = [anEvaluation({ reason: 'only 3 texts have a label', model: null, agreement: null })];
    const summary = summarize(facts({ model: null, evaluations }));
    expect(summary).toMatchObject({ outcome: 'no model', model: null });
    expect(summary.rounds).toEqual([{ round: 1, annotations: 2, agreement: null, reference: null, reason: 'only 3 texts have a label' }]);
    expect(summary.warnings).toContain('no model: only 3 texts have a label');
    expect(summarize(facts({ model: null, evaluations: [] })).warnings).toContain('no model: no round was finished');
  });

  it('counts what the teacher did not label, and tells of it from one in twenty on', () => {
    const few = summarize(facts({ answers: { ...facts().answers, labelled: 96, rejections: { refused: 4 } } }));
    expect(few.annotations).toMatchObject({ labelled: 96, rejected: 4, rejections: { refused: 4 } });
    expect(few.warnings.join()).not.toContain('refused');
    const many = summarize(facts({ answers: { ...facts().answers, labelled: 93, rejections: { refused: 4, too_long: 3 } } }));
    expect(many.annotations.rejected).toBe(7);
    expect(many.warnings.join()).toContain('7 of 100 samples got no label from the teacher (refused: 4, too long: 3)');
  });

  it('tells of dead letters and of money that ran out', () => {
    const { warnings } = summarize(facts({ roundsEnd: 'budget_exhausted' }));
    expect(warnings.join()).toContain('10 records could not be used');
    expect(warnings.join()).toContain('raise budget.usd');
  });

  describe('cost', () => {
    it('is what the ledger holds, in dollars', () => {
      expect(summarize(facts()).cost).toMatchObject({ usd: 0.0002, capUsd: 1, calls: 100, inputTokens: 5000, outputTokens: 500 });
    });

    it('of the teacher on all is the mean price of a call for each usable document', () => {
      expect(summarize(facts()).cost.teacherOnAllUsd).toBeCloseTo((990 * 2000) / 1e9, 15);
    });

    it('of the teacher on all leaves out calls of which only the worst price is known', () => {
      const spend = { ...facts().spend, settled: 1_200_000, unknownOutcomes: 1, unknownCost: 1_002_000, calls: 100 };
      expect(summarize(facts({ spend })).cost).toMatchObject({ usd: 0.0012, unknownOutcomes: 1, unknownUsd: 0.001002 });
      expect(summarize(facts({ spend })).cost.teacherOnAllUsd).toBeCloseTo((990 * 2000) / 1e9, 15);
    });

    it('is marked as the most it can be where the server did not say what calls cost', () => {
      expect(summarize(facts()).cost).toMatchObject({ atMost: false, teacherOnAllAtMost: false });
      const some = summarize(facts({ spend: { ...facts().spend, settled: 1_198_000, unmeasuredCalls: 1, unmeasuredCost: 1_000_000 } }));
      expect(some.cost).toMatchObject({ usd: 0.001198, atMost: true, unmeasuredCalls: 1, unmeasuredUsd: 0.001, teacherOnAllAtMost: false });
      expect(some.cost.teacherOnAllUsd).toBeCloseTo((990 * 2000) / 1e9, 15);
      expect(some.warnings.join()).toContain('reported no usage for 1 of 100 calls');
      const all = summarize(facts({ spend: { ...facts().spend, unmeasuredCalls: 100, unmeasuredCost: 200_000 } })).cost;
      expect(all).toMatchObject({ atMost: true, teacherOnAllAtMost: true });
      expect(all.teacherOnAllUsd).toBeCloseTo((990 * 2000) / 1e9, 15);
    });

    it('is no upper bound where the teacher costs nothing', () => {
      const free = summarize(facts({ spend: { ...facts().spend, settled: 0, unmeasuredCalls: 100 } }));
      expect(free.cost).toMatchObject({ usd: 0, atMost: false, teacherOnAllAtMost: false });
      expect(free.warnings.join()).not.toContain('usage');
    });

    it('of the teacher on all is not known where it was not called', () => {
      const spend = { ...facts().spend, settled: 0, calls: 0 };
      expect(summarize(facts({ spend })).cost.teacherOnAllUsd).toBeNull();
    });
  });

  describe('speed', () => {
    it('is of the documents that this process labelled', () => {
      expect(summarize(facts({ labelledNow: 500 })).documentsPerSecond).toBe(250);
    });

    it.each([
      ['no document', { labelledNow: 0 }],
      ['no time', { seconds: { reading: 1, learning: 5, labelling: 0, total: 9 } }],
    ])('is not known of %s', (_, changes) => {
      expect(summarize(facts(changes)).documentsPerSecond).toBeNull();
    });
  });
});
