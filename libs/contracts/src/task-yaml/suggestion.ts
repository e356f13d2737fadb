/** The candidate that was most likely meant by a word, or null where none is near. */
export function nearest(word: string, candidates: readonly string[]): string | null {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '');
  const given = plain(word);
  if (given === '' || word.length > 100) return null;
  let best: string | null = null;
  let leastEdits = 1 + Math.max(1, Math.floor(given.length / 3));
  for (const candidate of candidates) {
    const known = plain(candidate);
    const edits = given.length >= 3 && known.startsWith(given) ? 1 : editDistance(given, known);
    if (edits < leastEdits) [best, leastEdits] = [candidate, edits];
  }
  return best;
}

/** Insertions, deletions, substitutions and swaps of neighbours between two words (Damerau, CACM 1964; optimal string alignment). */
function editDistance(left: string, right: string): number {
  let before: number[] = [];
  let above = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const substitution = above[column - 1]! + (left[row - 1] === right[column - 1] ? 0 : 1);
      current[column] = Math.min(substitution, above[column]! + 1, current[column - 1]! + 1);
      if (row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1]) {
        current[column] = Math.min(current[column]!, before[column - 2]! + 1);
      }
    }
    [before, above] = [above, current];
  }
  return above[right.length]!;
}
