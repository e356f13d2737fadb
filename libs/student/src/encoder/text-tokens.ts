import type { Tokenizer } from 'tokenizers';
import { textEnd, textStart } from './text-ends.ts';

type BatchEncoder = Pick<Tokenizer, 'encodeBatch'>;

/** A text, and how many of its first and last tokens are to stay when it has more than both together. */
export interface WantedEnds {
  readonly text: string;
  readonly head: number;
  readonly tail: number;
}

export interface CutTokens {
  /** All tokens, or the head's and the tail's. */
  readonly ids: Int32Array;
  /** How many tokens the text has. Where not all was read, an estimate above `head + tail`: it decides only who gets a pair's odd token. */
  readonly total: number;
  readonly truncated: boolean;
}

/** Characters read for a token wanted: English has four to five, white space and markup more. */
const charactersPerToken = 6;
/** When that gave too few tokens, so much more is read. */
const growth = 4;
/** Tokens next to a cut that are thrown away, as they may not be those of the whole text. */
const margin = 128;
/** One call into the native package: what it holds at a time, about 100 bytes per token, and what keeps every core busy. */
const batch = { texts: 256, characters: 2 ** 18 };

/**
 * Tokenizes no more of each text than its ends need, so that a text of 1 MiB costs about as much as one of a few pages.
 *
 * Exact by construction where texts have spaces or line breaks: they are cut there, where the tokenizers of BERT and RoBERTa models separate
 * words, and more is read until there are tokens to spare. A text without any for 1,024 characters is cut inside a word; the 128 tokens
 * (and more than WordPiece's longest word) next to the cut are thrown away, which makes a difference only to texts like a thousand
 * times the same letter, whose segmentation depends on where it begins.
 *
 * @param longestWord characters of the longest word that the model splits: one of more may be a single token
 */
export async function encodeEnds(tokenizer: BatchEncoder, wanted: readonly WantedEnds[], longestWord: number): Promise<CutTokens[]> {
  const spare = Math.max(margin, longestWord + 1);
  const cut: CutTokens[] = new Array(wanted.length);
  let open = wanted.map((_, index) => index);
  for (let perToken = charactersPerToken; open.length > 0; perToken *= growth) {
    const pieces = open.map((index) => piecesOf(wanted[index]!, spare, perToken));
    const tokens = (await encodePieces(tokenizer, pieces.flat())).values();
    const tooShort: number[] = [];
    for (const [place, index] of open.entries()) {
      const own = pieces[place]!.map(() => tokens.next().value!);
      const result = joined(wanted[index]!, pieces[place]!, own, spare);
      if (result) cut[index] = result;
      else tooShort.push(index);
    }
    open = tooShort;
  }
  return cut;
}

/** The whole text as one piece; or its start, and its end where that is wanted. */
function piecesOf({ text, head, tail }: WantedEnds, spare: number, perToken: number): string[] {
  const reach = (tokens: number) => (tokens + spare) * perToken;
  const start = head === 0 ? '' : textStart(text, reach(head));
  const end = tail === 0 ? '' : textEnd(text, reach(tail));
  if (start.length + end.length >= text.length) return [text];
  return tail === 0 ? [start] : [start, end];
}

/** What stays of a text; null when its pieces have too few tokens to tell. */
function joined(
  { text, head, tail }: WantedEnds,
  pieces: readonly string[],
  tokens: readonly Int32Array[],
  spare: number,
): CutTokens | null {
  const [start, end = new Int32Array()] = tokens as [Int32Array, Int32Array?];
  if (pieces[0] === text) {
    const truncated = start.length > head + tail;
    return { ids: truncated ? bothEnds(start, head, start, tail) : start, total: start.length, truncated };
  }
  if ((head > 0 && start.length < head + spare) || (tail > 0 && end.length < tail + spare)) return null;
  const read = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const total = Math.ceil(((start.length + end.length) / read) * text.length);
  return { ids: bothEnds(start, head, end, tail), total, truncated: true };
}

function bothEnds(start: Int32Array, head: number, end: Int32Array, tail: number): Int32Array {
  const ids = new Int32Array(head + tail);
  ids.set(start.subarray(0, head));
  ids.set(end.subarray(end.length - tail), head);
  return ids;
}

async function encodePieces(tokenizer: BatchEncoder, pieces: readonly string[]): Promise<Int32Array[]> {
  const tokens: Int32Array[] = [];
  for (let from = 0; from < pieces.length; ) {
    let to = from;
    for (let characters = 0; to < pieces.length && to - from < batch.texts && characters < batch.characters; to++) {
      characters += pieces[to]!.length;
    }
    // Half a surrogate pair is no character; the native package and the reference want U+FFFD in its place.
    const texts = pieces.slice(from, to).map((piece) => piece.toWellFormed());
    for (const encoding of await tokenizer.encodeBatch(texts, { addSpecialTokens: false })) tokens.push(new Int32Array(encoding.getIds()));
    from = to;
  }
  return tokens;
}
