import type { Document, PoolEntry } from '@llambert/domain';

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

/**
 * The stratum of each document of a pool, by its id: by the values of a metadata field (a document without it counts as one whose value
 * is empty), or else by script and, within the script, by length: shorter, middling, longer texts in equal parts of the pool. Keeps no text.
 */
export async function strataOf(pool: AsyncIterable<PoolEntry>, stratifyBy: string | null): Promise<ReadonlyMap<string, string>> {
  const strata = new Map<string, string>();
  if (stratifyBy !== null) {
    for await (const { document } of pool) strata.set(document.id, `${stratifyBy}=${document.metadata[stratifyBy] ?? ''}`);
    return strata;
  }
  const traits: { id: string; script: string; length: number }[] = [];
  for await (const { document } of pool) {
    traits.push({ id: document.id, script: scriptOf(document.text), length: lengthOf(document) });
  }
  const byScript = Map.groupBy(traits, ({ script }) => script);
  const bounds = new Map([...byScript].map(([script, members]) => [script, quantiles(members.map(({ length }) => length))]));
  for (const { id, script, length } of traits) {
    const lengthClass = bounds.get(script)!.filter((bound) => length >= bound).length;
    strata.set(id, `${script}, ${lengthClasses[lengthClass]}`);
  }
  return strata;
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
