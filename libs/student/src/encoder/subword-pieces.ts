import { pairQueue } from './pair-queue.ts';

/** How a piece that continues a word begins. */
export const continuingPrefix = '##';

/** Rarer characters than the last of so many become unknown (the character coverage of SentencePiece, Kudo & Richardson 2018). */
const characterCoverage = 0.9999;
/** A pair seen once is a name or a misspelling; its piece would never be trained. */
const leastCount = 2;
/** Pairs of ids are packed into one number by this. */
const idLimit = 2 ** 16;

interface Word {
  symbols: number[];
  readonly count: number;
}

/**
 * Word pieces for a vocabulary: the characters, then the pieces that byte-pair merging makes of them, most frequent first (Sennrich et al.
 * 2016, "Neural Machine Translation of Rare Words with Subword Units"). The pieces are for greedy longest-match splitting as in WordPiece
 * (Schuster & Nakajima 2012), so merges are not kept. Equal counts give equal pieces, in whatever order the words come.
 *
 * @param words each word and how often it occurs
 * @param size pieces at most, below 65,536
 */
export function subwordPieces(words: ReadonlyMap<string, number>, size: number): string[] {
  if (!(Number.isInteger(size) && size >= 0 && size < idLimit)) throw new RangeError(`${size} pieces: need 0 to ${idLimit - 1}`);
  const pieces = alphabet(words).slice(0, size);
  const ids = new Map(pieces.map((piece, id) => [piece, id]));
  const known: Word[] = [];
  for (const [text, count] of words) {
    const symbols = Array.from(text, (character, at) => ids.get(at === 0 ? character : continuingPrefix + character) ?? -1);
    if (symbols.length > 1 && !symbols.includes(-1)) known.push({ symbols, count });
  }
  const pairs = pairsOf(known);
  const queue = pairQueue();
  for (const [pair, { count }] of pairs) queue.push(pair, count);

  while (pieces.length < size) {
    const next = queue.pop();
    if (!next || next.count < leastCount) break;
    const found = pairs.get(next.pair);
    if (found?.count !== next.count) continue; // an outdated entry: the pair's present count has one of its own
    const [left, right] = [Math.floor(next.pair / idLimit), next.pair % idLimit];
    const piece = pieces[left]! + pieces[right]!.slice(continuingPrefix.length);
    let merged = ids.get(piece);
    if (merged === undefined) {
      merged = pieces.length;
      pieces.push(piece);
      ids.set(piece, merged);
    }
    for (const pair of mergeInWords(known, found.words, pairs, left, right, merged)) queue.push(pair, pairs.get(pair)?.count ?? 0);
  }
  return pieces;
}

/** Single characters as pieces, most frequent first; one that occurs inside words also as a continuing piece. */
function alphabet(words: ReadonlyMap<string, number>): string[] {
  const counts = new Map<string, number>();
  const continuing = new Set<string>();
  let total = 0;
  for (const [text, count] of words) {
    for (const [at, character] of [...text].entries()) {
      counts.set(character, (counts.get(character) ?? 0) + count);
      if (at > 0) continuing.add(character);
      total += count;
    }
  }
  const byFrequency = [...counts].sort(([a, counted], [b, count]) => count - counted || a.codePointAt(0)! - b.codePointAt(0)!);
  const pieces: string[] = [];
  let covered = 0;
  for (const [character, count] of byFrequency) {
    if (covered >= characterCoverage * total) break;
    covered += count;
    pieces.push(character);
    if (continuing.has(character)) pieces.push(continuingPrefix + character);
  }
  return pieces;
}

/** Neighbouring symbols: how often, and in which words they are or were. */
type Pairs = Map<number, { count: number; words: Set<number> }>;

function pairsOf(words: readonly Word[]): Pairs {
  const pairs: Pairs = new Map();
  for (const [index, { symbols, count }] of words.entries()) {
    for (let at = 1; at < symbols.length; at++) addToPair(pairs, symbols[at - 1]! * idLimit + symbols[at]!, index, count);
  }
  return pairs;
}

function addToPair(pairs: Pairs, pair: number, word: number, count: number): void {
  const known = pairs.get(pair);
  if (!known) pairs.set(pair, { count, words: new Set([word]) });
  else {
    known.count += count;
    if (count > 0) known.words.add(word);
  }
}

/** Merges a pair wherever it stands. Gives the pairs whose counts have changed. */
function mergeInWords(words: Word[], affected: Set<number>, pairs: Pairs, left: number, right: number, merged: number): Set<number> {
  const changed = new Set<number>();
  for (const index of affected) {
    const word = words[index]!;
    const before = word.symbols;
    const after: number[] = [];
    for (let at = 0; at < before.length; at++) {
      const isPair = before[at] === left && before[at + 1] === right;
      after.push(isPair ? merged : before[at]!);
      if (isPair) at++;
    }
    if (after.length === before.length) continue;
    word.symbols = after;
    for (const [symbols, count] of [[before, -word.count] as const, [after, word.count] as const]) {
      for (let at = 1; at < symbols.length; at++) {
        const pair = symbols[at - 1]! * idLimit + symbols[at]!;
        addToPair(pairs, pair, index, count);
        changed.add(pair);
      }
    }
  }
  pairs.delete(left * idLimit + right);
  changed.delete(left * idLimit + right);
  return changed;
}
