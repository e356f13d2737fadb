import type { LabelSet } from '@llambert/domain';
import { describe, expect, it } from 'vitest';
import { pseudoLabelled } from './pseudo-labels.ts';

const labels: LabelSet = { kind: 'single', names: ['late', 'paid'] };
const late = (index: number) => `parcel ${index} came late${index % 3 === 0 ? ', and the box was torn' : ''}`;
const paid = (index: number) => `bill ${index} was paid twice${index % 3 === 0 ? ', and nobody answers' : ''}`;
const textOf = (index: number) => (index % 2 === 0 ? late : paid)(index);
const rows = Array.from({ length: 40 }, (_, index) => ({
  text: textOf(index),
  target: index % 2 === 0 ? [1, 0] : [0, 1],
  weight: 1,
  fold: 1 + (index % 3),
}));
const unlabelled = [...Array.from({ length: 100 }, (_, index) => ({ text: textOf(100 + index) })), { text: 'zzz' }, { text: '' }];
const label = (confidence: number, of = labels, from = rows) =>
  pseudoLabelled(from, unlabelled, of, { documents: 1000, confidence }, { classWeights: 'none' }, () => {});

describe('pseudo-labels', () => {
  it('are what a first student is confident of, and nothing that tells it nothing', async () => {
    const found = await label(0.8);
    expect(found.length).toBeGreaterThan(50);
    for (const { text, target } of found) expect(target).toEqual(text.startsWith('parcel') ? [1, 0] : [0, 1]);
    expect(found.map(({ text }) => text)).not.toContain('zzz');
  });

  it('are fewer where more confidence is asked for', async () => {
    const bold = (await label(0.5)).map(({ text }) => text);
    const timid = (await label(0.95)).map(({ text }) => text);
    expect(bold).toHaveLength(unlabelled.length);
    expect(timid.length).toBeLessThan(bold.length);
    expect(bold).toEqual(expect.arrayContaining(timid));
  });

  it('belong to the folds of the rows, evenly', async () => {
    const counts = new Map<number, number>();
    for (const { fold } of await label(0.5)) counts.set(fold, (counts.get(fold) ?? 0) + 1);
    expect([...counts.keys()].sort()).toEqual([1, 2, 3]);
    expect(Math.max(...counts.values()) - Math.min(...counts.values())).toBeLessThanOrEqual(1);
  });

  it('may be several of a document, where all of them are sure', async () => {
    const multi: LabelSet = { kind: 'multi', names: ['late', 'paid', 'torn'] };
    const tagged = rows.map((row) => ({ ...row, target: [...row.target, row.text.includes('torn') ? 1 : 0] }));
    const found = await label(0.8, multi, tagged);
    expect(found.length).toBeGreaterThan(10);
    for (const { text, target } of found.filter((row) => row.text.includes('torn'))) {
      expect([text, target]).toEqual([text, [1, 0, 1]]);
    }
  });
});
