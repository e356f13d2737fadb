import { hardDistribution, type LabelSet } from '@llambert/domain';
import type { TrainingRow } from './rows.ts';

/** Words that tell each label, among words that tell nothing. */
export const vocabulary = [
  ['invoice', 'refund', 'charged', 'price'],
  ['parcel', 'courier', 'late', 'address'],
  ['password', 'locked', 'code', 'account'],
  ['opening', 'hours', 'branch', 'question'],
];
export const fillers = ['the', 'and', 'please', 'my', 'your', 'today', 'since', 'about'];

/** Texts and their labels, always the same: words of the labels, and fillers. */
export function examples(
  labels: LabelSet,
  count: number,
  labelsOf: (index: number) => number[],
  first = 0,
): { text: string; indices: number[] }[] {
  return Array.from({ length: count }, (_, index) => {
    const number = first + index;
    const indices = labelsOf(number);
    const words = [0, 1, 2].map((place) => fillers[(number * 5 + place * 3) % fillers.length]!);
    for (const label of indices) words.splice(number % 3, 0, vocabulary[label]![(number >> 2) % 4]!);
    return { text: words.join(' '), indices: labels.kind === 'single' ? indices.slice(0, 1) : indices };
  });
}

/** The examples as hard targets of weight 1, dealt out to the folds in turn. */
export function rowsOf(labels: LabelSet, found: readonly { text: string; indices: number[] }[], folds = 5): TrainingRow[] {
  return found.map(({ text, indices }, index) => ({ text, target: hardDistribution(labels, indices), weight: 1, fold: index % folds }));
}
