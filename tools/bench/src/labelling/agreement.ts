/** How far the log-odds of texts by one program are from another's. */
export interface Agreement {
  readonly largest: number;
  /** Root mean square, as a share of the reference's standard deviation over the texts. */
  readonly relative: number;
}

export function agreement(actual: readonly number[], reference: readonly number[]): Agreement {
  if (actual.length !== reference.length) throw new RangeError(`${actual.length} texts are compared with ${reference.length}`);
  const off = actual.map((value, text) => value - reference[text]!);
  const mean = reference.reduce((sum, value) => sum + value, 0) / reference.length;
  const spread = rootMeanSquare(reference.map((value) => value - mean));
  return { largest: Math.max(...off.map(Math.abs)), relative: rootMeanSquare(off) / spread };
}

function rootMeanSquare(values: readonly number[]): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}
