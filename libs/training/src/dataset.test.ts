import { type Answer, type Gold, goldRole, type LabelSet, type Sample } from '@llambert/domain';
import { aDocument, aDrawnSample, anAnnotation, aRejection } from '@llambert/testing';
import { describe, expect, it } from 'vitest';
import { assembleDataset, datasetProblem, foldCount, withUnlabelled } from './dataset.ts';

const labels: LabelSet = { kind: 'single', names: ['delivery', 'payment'] };

function answered(id: string, label: string | null): { sample: Sample; answer: Answer } {
  const sample = aDrawnSample({ document: aDocument({ id, text: `text of ${id}` }) });
  const names = { sampleId: sample.id, documentId: id };
  return { sample, answer: label === null ? aRejection(names) : anAnnotation({ ...names, labels: [label] }) };
}

function gold(id: string, label: string, draw: Gold['draw'] = 'uniform'): Gold {
  return { task: 'task', document: aDocument({ id, text: `text of ${id}` }), labels: [label], draw };
}

const ids = Array.from({ length: 200 }, (_, index) => `document-${index}`);
const certifying = ids.find((id) => goldRole('task', id, 'uniform') === 'certify')!;
const training = ids.find((id) => goldRole('task', id, 'uniform') === 'train')!;

describe('a dataset', () => {
  it('holds what was annotated, and counts what was rejected', () => {
    const dataset = assembleDataset('task', labels, [answered('b', 'payment'), answered('a', 'delivery'), answered('c', null)], []);
    expect(dataset.rows.map((row) => [row.documentId, row.target, row.labelledBy])).toEqual([
      ['a', [1, 0], 'teacher'],
      ['b', [0, 1], 'teacher'],
    ]);
    expect([dataset.annotations, dataset.rejections]).toEqual([2, 1]);
  });

  it("takes a person's label for that of the teacher", () => {
    const dataset = assembleDataset('task', labels, [answered(training, 'payment')], [gold(training, 'delivery')]);
    expect(dataset.rows).toEqual([expect.objectContaining({ target: [1, 0], labelledBy: 'person', teacherTarget: [0, 1] })]);
  });

  it("takes the teacher's second label for its first, and a person's for both, in whatever order they come", () => {
    const again = (id: string, label: string | null) => {
      const { sample, answer } = answered(id, label);
      return { sample: { ...sample, id: `${id} again`, strategy: 'doubted' as const }, answer };
    };
    const parts = [
      again('a', 'payment'),
      ...['a', 'b', 'c', training].map((id) => answered(id, 'delivery')),
      again('b', 'delivery'),
      again('c', null),
      again(training, 'delivery'),
    ];
    const { rows, annotations, rejections } = assembleDataset('task', labels, parts, [gold(training, 'payment')]);
    const said = rows.map(({ documentId, target, askedTwice, labelledBy, teacherTarget }) => [
      documentId,
      target,
      askedTwice,
      labelledBy,
      teacherTarget,
    ]);
    // What is compared with the teacher is what it said first: only what the student contradicts is asked again.
    expect(said).toEqual([
      ['a', [0, 1], true, 'teacher', [1, 0]],
      ['b', [1, 0], true, 'teacher', [1, 0]],
      ['c', [1, 0], undefined, 'teacher', undefined],
      [training, [0, 1], undefined, 'person', [1, 0]],
    ]);
    expect([annotations, rejections]).toEqual([7, 1]);
  });

  it('never learns from a document that certifies, whoever labelled it', () => {
    const dataset = assembleDataset('task', labels, [answered(certifying, 'payment')], [gold(certifying, 'payment')]);
    expect(dataset.rows).toEqual([]);
    expect(dataset.certify.map((item) => item.document.id)).toEqual([certifying]);
  });

  it('has no unlabelled document that is labelled already, or certifies', () => {
    const dataset = assembleDataset('task', labels, [answered('a', 'payment')], [gold(certifying, 'payment'), gold(training, 'payment')]);
    const { unlabelled, fingerprint } = withUnlabelled(
      dataset,
      ['z', 'a', certifying, training, 'b'].map((id) => aDocument({ id })),
    );
    expect(unlabelled.map(({ id }) => id)).toEqual(['b', 'z']);
    expect(fingerprint).not.toBe(dataset.fingerprint);
    expect(withUnlabelled(dataset, [aDocument({ id: 'b' }), aDocument({ id: 'z' })]).fingerprint).toBe(fingerprint);
  });

  it('lets gold that was chosen for a reason train, never certify', () => {
    const dataset = assembleDataset(
      'task',
      labels,
      [],
      ids.map((id) => gold(id, 'payment', 'chosen')),
    );
    expect(dataset.certify).toEqual([]);
    expect(dataset.rows).toHaveLength(ids.length);
  });

  it('has one fingerprint, in whatever order its parts come, and another one where a label differs', () => {
    const parts = ids.slice(0, 20).map((id, index) => answered(id, labels.names[index % 2]!));
    const { fingerprint } = assembleDataset('task', labels, parts, []);
    expect(assembleDataset('task', labels, parts.toReversed(), []).fingerprint).toBe(fingerprint);
    const other = [...parts.slice(1), answered(ids[0]!, 'payment')];
    expect(assembleDataset('task', labels, other, []).fingerprint).not.toBe(fingerprint);
  });

  it('keeps a document in its fold whatever else there is, and spreads documents over all folds', () => {
    const all = assembleDataset(
      'task',
      labels,
      ids.map((id) => answered(id, 'payment')),
      [],
    );
    const one = assembleDataset('task', labels, [answered(ids[7]!, 'delivery')], []);
    expect(one.rows[0]!.fold).toBe(all.rows.find((row) => row.documentId === ids[7])!.fold);
    expect(new Set(all.rows.map((row) => row.fold)).size).toBe(foldCount);
  });
});

describe('nothing can be learned', () => {
  const many = (label: (index: number) => string | null) => ids.slice(0, 30).map((id, index) => answered(id, label(index)));

  it.each([
    ['from a handful of texts', labels, [answered('a', 'payment'), answered('b', null)], 'only 1 texts have a label (1 were rejected)'],
    ['where all texts have one label', labels, many(() => 'payment'), 'every text was labelled "payment"'],
  ])('%s', (_, set, parts, problem) => {
    expect(datasetProblem(assembleDataset('task', set, parts, []), set)).toContain(problem);
  });

  it('where a multi-label task gave no text any label', () => {
    const multi: LabelSet = { kind: 'multi', names: ['delivery'] };
    const unlabelled = many(() => 'delivery').map(({ sample, answer }) => ({ sample, answer: { ...answer, labels: [] } as Answer }));
    expect(datasetProblem(assembleDataset('task', multi, unlabelled, []), multi)).toContain('no text was given any label');
  });

  it('where a multi-label task gave all texts the same labels', () => {
    const multi: LabelSet = { kind: 'multi', names: ['delivery', 'payment'] };
    expect(
      datasetProblem(
        assembleDataset(
          'task',
          multi,
          many(() => 'delivery'),
          [],
        ),
        multi,
      ),
    ).toContain('the same labels (delivery)');
  });

  it('but it can from two labels', () => {
    const dataset = assembleDataset(
      'task',
      labels,
      many((index) => labels.names[index % 2]!),
      [],
    );
    expect(datasetProblem(dataset, labels)).toBeNull();
  });
});
