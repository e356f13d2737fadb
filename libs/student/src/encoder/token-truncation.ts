/**
 * How many tokens of a text's start and of its end are kept when it is too long: a quarter of `maxTokens` from the start, the rest from
 * the end (128 + 382 of 510 in Sun et al. 2019, "How to Fine-Tune BERT for Text Classification?", arXiv 1905.05583).
 *
 * @param room tokens left for the text when the special ones are in
 */
export function headAndTail(maxTokens: number, room: number): { head: number; tail: number } {
  const head = Math.min(room, Math.floor(maxTokens / 4));
  return { head, tail: room - head };
}

/**
 * How many tokens of each text of a pair are kept, as the reference's `longest_first` does it: the longer is cut until both are equal,
 * then both. The odd token goes to the longer one, and to the second where they are equal.
 *
 * @param room tokens left for both texts when the special ones are in
 */
export function longestFirst(first: number, second: number, room: number): [first: number, second: number] {
  if (first + second <= room) return [first, second];
  const shorter = Math.min(first, second);
  const half = Math.floor(room / 2);
  const [short, long] = shorter <= half ? [shorter, room - shorter] : [half, room - half];
  return first <= second ? [short, long] : [long, short];
}
