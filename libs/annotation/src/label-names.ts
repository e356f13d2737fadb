import type { LabelSet } from '@llambert/domain';

/**
 * A name in the form in which spellings are compared: NFKC, lower case, one space for the blanks, underscores and hyphens within it. At its
 * ends they stay: `-1` is not `1`.
 */
export function plainName(name: string): string {
  return name
    .normalize('NFKC')
    .toLowerCase()
    .trim()
    .replace(/(?<=[\p{L}\p{N}])[\s_\-\u2010-\u2015]+(?=[\p{L}\p{N}])|\s+/gu, ' ');
}

/** Quotation marks, brackets, list and Markdown marks that models put around a name. Not signs that tell names apart: - + # < > & % $. */
const opening = /^(?:[-•]\s)?[\s"'`´*_“”„‘’«»「」『』()[\]{},:;¡¿]+/;
const closing = /[\s"'`´*_“”„‘’«»「」『』()[\]{},:;.!?。、！？…]+$/;

/**
 * The label of the set that a text names: exactly, or the only one in another spelling, or the only one within punctuation. null: none,
 * or more than one.
 */
export function findLabel(text: string, labelSet: LabelSet): string | null {
  if (labelSet.names.includes(text)) return text;
  for (const candidate of [text, text.replace(opening, '').replace(closing, '')]) {
    const plain = plainName(candidate);
    const matches = labelSet.names.filter((name) => plainName(name) === plain);
    if (matches.length > 0) return matches.length === 1 ? (matches[0] ?? null) : null;
  }
  return null;
}
