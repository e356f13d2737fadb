import type { DocumentText } from '../rows.ts';
import {
  astralKind,
  foldedUnits,
  normalized,
  pictographUnit,
  separator,
  surrogateUnit,
  unitKinds,
  unspacedUnit,
  wordUnit,
} from './characters.ts';

/** `words`: words and pairs of neighbours; `words+chars`: also the character n-grams inside each word. */
export type FeatureSet = 'words' | 'words+chars';

/** Lengths of the character n-grams: in runs of a script without spaces, and inside words (their ends count as one character each). */
const longestRunGram = 4;
const shortestWordGram = 3;
const longestWordGram = 4;

const wordSeed = 0x2b2e5ad1;
const gramSeed = 0x5f356495;
const runSeed = 0x6c8e9cf5;
const pairSeed = 0x3c6ef372;
const sharedSeed = 0x1b873593;
const shareSeed = 0x7f4a7c15;
/** FNV's prime (Fowler, Noll, Vo). */
const hashPrime = 0x01000193;

/** A hash's highest bits say what it names: 1 a single word, 01 a character n-gram inside a word, 00 anything else. */
const wordBit = 0x80000000 | 0;
const gramBit = 0x40000000;

/** Most features that one code unit can give: as many as the lengths of run grams; words with their n-grams stay below that. */
const featuresPerUnit = 4;

/**
 * Turns texts into features, each named by a 32-bit hash, straight from the UTF-16 code units and without building strings (the
 * hashing trick, Weinberger et al. 2009, "Feature hashing for large scale multitask learning"; but with so many bits that among a
 * million features some hundreds collide and no signs are needed).
 *
 * Words are folded in case; scripts that write no spaces give character n-grams of 1 to 4 instead, run by run, so a text may mix
 * them. Each pictograph is a word. Punctuation splits words and is not a feature.
 */
export class FeatureExtractor {
  readonly #withGrams: boolean;
  #count = 0;
  /** The features of the last text, one entry an occurrence; only the first `extract(...)` entries are meaningful. */
  hashes = new Int32Array(1 << 14);

  constructor(features: FeatureSet) {
    this.#withGrams = features === 'words+chars';
  }

  /**
   * Reads a document into `hashes` and returns how many there are. A text pair's features stand in a namespace of their own, and
   * what both texts share stands in a third.
   */
  extract({ text, textPair }: DocumentText): number {
    this.#count = 0;
    this.#read(normalized(text));
    if (textPair !== undefined) {
      const first = this.#count;
      this.#read(normalized(textPair));
      this.#relate(first);
    }
    return this.#count;
  }

  #read(text: string): void {
    const length = text.length;
    const hashes = this.#roomFor(this.#count + featuresPerUnit * length);
    let count = this.#count;
    let previousWord = 0;
    let index = 0;
    while (index < length) {
      const start = index;
      const unit = text.charCodeAt(index++);
      let kind = unitKinds[unit]!;
      if (kind === separator) continue;
      let hash = Math.imul(wordSeed ^ foldedUnits[unit]!, hashPrime);
      if (kind === surrogateUnit) {
        const codePoint = text.codePointAt(start)!;
        kind = astralKind(codePoint);
        hash = Math.imul(wordSeed ^ codePoint, hashPrime);
        if (codePoint > 0xffff) index++;
      }
      if (kind === unspacedUnit) {
        index = endOfRun(text, index);
        count = writeRunGrams(text, start, index, hashes, count);
        previousWord = 0;
      } else if (kind === wordUnit || kind === pictographUnit) {
        if (kind === wordUnit) {
          for (; index < length; index++) {
            const next = text.charCodeAt(index);
            if (unitKinds[next] !== wordUnit) break;
            hash = Math.imul(hash ^ foldedUnits[next]!, hashPrime);
          }
          if (this.#withGrams) count = writeWordGrams(text, start, index, hashes, count);
        }
        const word = mixed(hash) | wordBit;
        hashes[count++] = word;
        if (previousWord !== 0) hashes[count++] = mixed(Math.imul(previousWord, 0x9e3779b1) ^ word) & ~(wordBit | gramBit);
        previousWord = word;
      }
    }
    this.#count = count;
  }

  /** Moves the second text's features, from `first` on, into their namespace and adds what they share with the first text's. */
  #relate(first: number): void {
    const second = this.#count;
    const hashes = this.#roomFor(second + (second - first) + 1);
    const inFirst = new Set(hashes.subarray(0, first));
    const inSecond = new Set(hashes.subarray(first, second));
    let shared = 0;
    let count = second;
    for (const hash of inSecond) {
      if (!inFirst.has(hash)) continue;
      shared++;
      hashes[count++] = renamed(hash, sharedSeed);
    }
    for (let index = first; index < second; index++) hashes[index] = renamed(hashes[index]!, pairSeed);
    // How much they share, in eighths.
    hashes[count++] = mixed(shareSeed ^ Math.round((8 * shared) / Math.max(1, inSecond.size))) & ~(wordBit | gramBit);
    this.#count = count;
  }

  #roomFor(count: number): Int32Array {
    if (count > this.hashes.length) {
      const larger = new Int32Array(Math.max(count, 2 * this.hashes.length));
      larger.set(this.hashes.subarray(0, this.#count));
      this.hashes = larger;
    }
    return this.hashes;
  }
}

/**
 * Fewest of `documents` texts a feature must stand in to be learnt from: one for a word; two for the many pairs and n-grams, and one
 * more for every 5,000 texts (measured: as accurate, a fraction of the features at 20,000 reviews, so faster).
 */
export function leastDocuments(hash: number, documents: number): number {
  return (hash & wordBit) !== 0 ? 1 : 2 + Math.floor(documents / 5000);
}

/**
 * How much a feature counts beside others. The n-grams inside a word repeat much of it; at full weight they drown it
 * (measured: against full weight, half is better on film reviews and news by 0.3 to 0.9 points; on short questions -0.3 to +0.1).
 */
export function featureScale(hash: number): number {
  return (hash & (wordBit | gramBit)) === gramBit ? 0.5 : 1;
}

/** The finalizer of MurmurHash3 (Appleby): every bit of the input moves every bit of the output. */
function mixed(hash: number): number {
  let mix = hash ^ (hash >>> 16);
  mix = Math.imul(mix, 0x85ebca6b);
  mix ^= mix >>> 13;
  mix = Math.imul(mix, 0xc2b2ae35);
  return mix ^ (mix >>> 16);
}

/** A feature's name in another namespace; its highest bits stay. */
function renamed(hash: number, seed: number): number {
  const kindBits = (hash & wordBit) !== 0 ? wordBit : wordBit | gramBit;
  return (mixed(hash ^ seed) & ~kindBits) | (hash & kindBits);
}

function endOfRun(text: string, start: number): number {
  let index = start;
  while (index < text.length) {
    const kind = unitKinds[text.charCodeAt(index)]!;
    if (kind === unspacedUnit) index++;
    else if (kind === surrogateUnit && astralKind(text.codePointAt(index)!) === unspacedUnit) index += 2;
    else break;
  }
  return index;
}

/** Character n-grams of a run of a script without spaces; a surrogate pair counts as two characters, which is as good a name. */
function writeRunGrams(text: string, start: number, end: number, hashes: Int32Array, count: number): number {
  let next = count;
  for (let first = start; first < end; first++) {
    const last = Math.min(end, first + longestRunGram);
    let hash = runSeed;
    for (let index = first; index < last; index++) {
      hash = Math.imul(hash ^ foldedUnits[text.charCodeAt(index)]!, hashPrime);
      hashes[next++] = mixed(hash) & ~(wordBit | gramBit);
    }
  }
  return next;
}

/** Character n-grams of a word with a mark at either end. The whole word is a feature already. */
function writeWordGrams(text: string, start: number, end: number, hashes: Int32Array, count: number): number {
  let next = count;
  for (let first = start - 1; first <= end; first++) {
    const last = Math.min(end + 1, first + longestWordGram);
    let hash = gramSeed;
    for (let index = first; index < last; index++) {
      const unit = index < start || index >= end ? 0x20 : foldedUnits[text.charCodeAt(index)]!;
      hash = Math.imul(hash ^ unit, hashPrime);
      if (index - first + 1 >= shortestWordGram) hashes[next++] = (mixed(hash) & ~wordBit) | gramBit;
    }
  }
  return next;
}
