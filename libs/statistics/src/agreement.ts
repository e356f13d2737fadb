/**
 * Mean over the labels of F1, the harmonic mean of precision and recall (van Rijsbergen 1979, "Information retrieval", chapter 7).
 * Labels that neither side has are left out, as there is nothing to find; where neither side has any, all agree: 1.
 *
 * @param truth one set of label indices a document, each index at most once; as is `predicted`. At least one document.
 * @throws RangeError where there are no documents, or not as many on both sides.
 */
export function macroF1(truth: readonly (readonly number[])[], predicted: readonly (readonly number[])[], labels: number): number {
  if (truth.length === 0 || truth.length !== predicted.length) {
    throw new RangeError(`macro F1 needs as many predictions as truths, and at least one: ${predicted.length} and ${truth.length}`);
  }
  const inBoth = new Array<number>(labels).fill(0);
  // Documents that have the label on either side, those of both counted twice.
  const inEither = new Array<number>(labels).fill(0);
  for (const [document, set] of truth.entries()) {
    const found = predicted[document]!;
    for (const label of set) {
      inEither[label]! += 1;
      if (found.includes(label)) inBoth[label]! += 1;
    }
    for (const label of found) inEither[label]! += 1;
  }
  const scores = inEither.flatMap((count, label) => (count === 0 ? [] : [(2 * inBoth[label]!) / count]));
  return scores.length === 0 ? 1 : scores.reduce((sum, score) => sum + score, 0) / scores.length;
}
