/** A row whose label is likely wrong, and the class that it is confidently of. */
export interface Mislabelled {
  readonly row: number;
  readonly confident: number;
}

/**
 * Rows whose label is likely wrong, by confident learning (Northcutt, Jiang & Chuang 2021, "Confident Learning: Estimating Uncertainty in
 * Dataset Labels", section 3.1): a row counts as confidently of a class where that class's probability is at least the mean that rows
 * labelled so have of it. A row that is confidently of another class than its label (of the most probable one, where there are
 * several) lies off the diagonal of the confident joint, and is flagged.
 *
 * @param probabilities [rows][classes], each row by a model that did not learn from it
 * @param given the class that each row was labelled with
 * @returns the flagged rows, ascending
 * @throws RangeError where there are not as many rows on both sides
 */
export function likelyMislabelled(probabilities: readonly (readonly number[])[], given: readonly number[]): Mislabelled[] {
  if (probabilities.length !== given.length) {
    throw new RangeError(`confident learning needs a label for each row: ${given.length} for ${probabilities.length}`);
  }
  const thresholds = meanSelfConfidences(probabilities, given);
  return given.flatMap((label, row) => {
    const own = probabilities[row]!;
    let confident = -1;
    for (const [each, probability] of own.entries()) {
      if (probability >= thresholds[each]! && (confident < 0 || probability > own[confident]!)) confident = each;
    }
    return confident < 0 || confident === label ? [] : [{ row, confident }];
  });
}

/** Of each class, the mean probability that rows labelled with it have of it; Infinity where no row is. */
function meanSelfConfidences(probabilities: readonly (readonly number[])[], given: readonly number[]): number[] {
  const classes = probabilities[0]?.length ?? 0;
  const sums = new Array<number>(classes).fill(0);
  const counts = new Array<number>(classes).fill(0);
  for (const [row, label] of given.entries()) {
    sums[label]! += probabilities[row]![label]!;
    counts[label]! += 1;
  }
  return sums.map((sum, label) => (counts[label] === 0 ? Number.POSITIVE_INFINITY : sum / counts[label]!));
}
