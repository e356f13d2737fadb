import type { Document, PoolEntry } from '@llambert/domain';

/** Names the stratum of a document. */
export type Stratifier = (document: Document) => string;

/** Length classes a script is split into, by quantiles of the pool. */
const lengthClasses = ['short', 'middling', 'long'];

/** Characters at a text's beginning that decide its script. */
const scriptPrefix = 400;

/** Scripts told apart; a text belongs to the one most of its letters are of. */
const scripts: readonly (readonly [string, RegExp])[] = [
  ['Japanese', /[\p{Script=Hiragana}\p{Script=Katakana}]/gu],
  ['Han', /\p{Script=Han}/gu],
  ['Latin', /\p{Script=Latin}/gu],
  ['Cyrillic', /\p{Script=Cyrillic}/gu],
  ['Arabic', /\p{Script=Arabic}/gu],
  ['Hangul', /\p{Script=Hangul}/gu],
  ['Thai', /\p{Script=Thai}/gu],
  ['Devanagari', /\p{Script=Devanagari}/gu],
];

/** The script most of a text's letters are of, or `other`. */
export function scriptOf(text: string): string {
  const prefix = text.slice(0, scriptPrefix);
  const counts = new Map(scripts.map(([name, letters]) => [name, prefix.match(letters)?.length ?? 0]));
  // Japanese writes Han too; its kana tell it from Chinese.
  if (counts.get('Japanese')! > 0) {
    counts.set('Japanese', counts.get('Japanese')! + counts.get('Han')!);
    counts.delete('Han');
  }
  const [name, count] = [...counts].reduce((most, candidate) => (candidate[1] > most[1] ? candidate : most));
  return count === 0 ? 'other' : name;
}

/** Strata by the values of a metadata field; a document without it counts as one whose value is empty. */
export function byField(field: string): Stratifier {
  return (document) => `${field}=${document.metadata[field] ?? ''}`;
}

/** Strata by script and, within the script, by length: shorter, middling, longer texts in equal parts of the given pool. */
export function byScriptAndLength(pool: readonly PoolEntry[]): Stratifier {
  const byScript = Map.groupBy(
    pool.map(({ document }) => document),
    (document) => scriptOf(document.text),
  );
  const bounds = new Map([...byScript].map(([script, documents]) => [script, quantiles(documents.map(lengthOf))]));
  return (document) => {
    const script = scriptOf(document.text);
    const lengthClass = (bounds.get(script) ?? []).filter((bound) => lengthOf(document) >= bound).length;
    return `${script}, ${lengthClasses[lengthClass]}`;
  };
}

/** The lengths at which the second and each later class begins. */
function quantiles(lengths: readonly number[]): number[] {
  const sorted = lengths.toSorted((left, right) => left - right);
  return lengthClasses.slice(1).map((_, index) => sorted[Math.floor((sorted.length * (index + 1)) / lengthClasses.length)]!);
}

/** In UTF-16 units, both texts of a pair. */
function lengthOf(document: Document): number {
  return document.text.length + (document.textPair?.length ?? 0);
}
