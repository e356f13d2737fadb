import { incompleteBeta } from './binomial.ts';

export interface Interval {
  readonly lower: number;
  readonly upper: number;
}

/**
 * The exact two-sided interval for a binomial proportion: it covers the truth with at least `confidence`, whatever the truth
 * (Clopper & Pearson 1934, "The use of confidence or fiducial limits", Biometrika 26).
 *
 * @throws RangeError unless 0 <= successes <= trials, both whole, and 0 < confidence < 1. No trials: [0, 1].
 */
export function clopperPearson(successes: number, trials: number, confidence: number): Interval {
  if (!(Number.isInteger(successes) && Number.isInteger(trials) && successes >= 0 && successes <= trials)) {
    throw new RangeError(`${successes} of ${trials} is not a count`);
  }
  if (!(confidence > 0 && confidence < 1)) throw new RangeError(`a confidence lies between 0 and 1, ${confidence} does not`);
  const tail = (1 - confidence) / 2;
  return { lower: lowerLimit(successes, trials, tail), upper: upperLimit(successes, trials, tail) };
}

/** The p at which P(Bin(n, p) <= k) has fallen to `tail`. */
function upperLimit(k: number, n: number, tail: number): number {
  if (k === n) return 1;
  if (k === 0) return -Math.expm1(Math.log(tail) / n);
  return bisect(k / n, 1, (p) => incompleteBeta(n - k, k + 1, 1 - p, p) > tail);
}

/** The p at which P(Bin(n, p) >= k) has risen to `tail`. */
function lowerLimit(k: number, n: number, tail: number): number {
  if (k === 0) return 0;
  if (k === n) return Math.exp(Math.log(tail) / n);
  return bisect(0, k / n, (p) => incompleteBeta(k, n - k + 1, p, 1 - p) < tail);
}

/** Where `isBelow` turns from true to false, between two numbers, to the last digit. */
function bisect(from: number, to: number, isBelow: (position: number) => boolean): number {
  let [below, above] = [from, to];
  for (;;) {
    const middle = (below + above) / 2;
    if (middle <= below || middle >= above) return middle;
    if (isBelow(middle)) below = middle;
    else above = middle;
  }
}
