import type { LabelSet } from '@llambert/domain';
import type { Key } from '../terminal/keys.ts';

/** What a person has pressed so far for one document. */
export interface LabelChoice {
  /** Digits of a number that may go on. */
  readonly typed: string;
  /** Indices of the labels that are on; of `multi` only. */
  readonly chosen: ReadonlySet<number>;
}

export type Pressed =
  | { readonly kind: 'choosing'; readonly choice: LabelChoice }
  | { readonly kind: 'labelled'; readonly labels: readonly string[] }
  /** `later`: put off; `undo`: back to the document before; `more`: go on with the text; `quit`: enough; `break`: Ctrl-C. */
  | { readonly kind: 'later' | 'undo' | 'more' | 'quit' | 'break' };

export const nothingChosen: LabelChoice = { typed: '', chosen: new Set() };

/**
 * What a key means. Labels have numbers from 1. A digit counts at once where no longer number could follow; otherwise the next digit
 * or Enter decides. With several labels a number turns its label on or off, and Enter without a number ends the choice.
 */
export function pressKey(labels: LabelSet, choice: LabelChoice, key: Key): Pressed {
  const unchanged: Pressed = { kind: 'choosing', choice };
  if (key.ctrl) return key.name === 'c' || key.name === 'd' ? { kind: 'break' } : unchanged;
  if (key.name === 'u') return { kind: 'undo' };
  if (key.name === 's') return { kind: 'later' };
  if (key.name === 'q') return { kind: 'quit' };
  if (key.name === 'm') return { kind: 'more' };
  if (key.name === 'backspace') return { kind: 'choosing', choice: { ...choice, typed: choice.typed.slice(0, -1) } };
  if (key.name === 'return' || key.name === 'enter') {
    if (choice.typed !== '') return decided(labels, choice, Number(choice.typed));
    return labels.kind === 'multi' ? { kind: 'labelled', labels: labels.names.filter((_, index) => choice.chosen.has(index)) } : unchanged;
  }
  if (!/^[0-9]$/.test(key.text)) return unchanged;
  const typed = choice.typed + key.text;
  const number = Number(typed);
  if (number < 1 || number > labels.names.length) return { kind: 'choosing', choice: { ...choice, typed: '' } };
  return number * 10 > labels.names.length ? decided(labels, choice, number) : { kind: 'choosing', choice: { ...choice, typed } };
}

function decided(labels: LabelSet, choice: LabelChoice, number: number): Pressed {
  const index = number - 1;
  if (labels.kind === 'single') return { kind: 'labelled', labels: [labels.names[index]!] };
  return { kind: 'choosing', choice: { typed: '', chosen: choice.chosen.symmetricDifference(new Set([index])) } };
}
