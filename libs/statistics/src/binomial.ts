/** Stirling's formula's error, log(n!) - log(formula), by its definition for 1 <= n < 16, where the series is not exact enough. */
const smallStirlingErrors = Array.from({ length: 16 }, (_, n) => {
  let factorial = 1;
  for (let factor = 2; factor <= n; factor++) factorial *= factor;
  return Math.log(factorial) - (n + 0.5) * Math.log(n) + n - 0.5 * Math.log(2 * Math.PI);
});

/**
 * P(Bin(n, p) <= k), to about 12 digits also far in the lower tail and for n of a million.
 *
 * @throws RangeError unless n is a whole number of at least 0 and p a probability.
 */
export function binomialTail(k: number, n: number, p: number): number {
  if (!(Number.isInteger(n) && n >= 0) || !(p >= 0 && p <= 1) || Number.isNaN(k)) {
    throw new RangeError(`no binomial distribution has k = ${k}, n = ${n}, p = ${p}`);
  }
  const most = Math.floor(k);
  if (most < 0) return 0;
  if (most >= n) return 1;
  return incompleteBeta(n - most, most + 1, 1 - p, p);
}

/**
 * The regularized incomplete beta function I(x; a, b) for whole a, b >= 1 and y = 1 - x: the probability that at least a of
 * a + b - 1 draws succeed, each with probability x.
 *
 * Its continued fraction (Didonato & Morris 1992, "Algorithm 708", ACM TOMS 18) by Lentz's method, with Loader's form of the
 * binomial mass for the factor in front: logarithms of gamma would lose seven digits at a million.
 */
export function incompleteBeta(a: number, b: number, x: number, y: number): number {
  if (x <= 0) return 0;
  if (y <= 0) return 1;
  // The fraction converges fast on the side where its value is the smaller of the two, which then keeps all its digits.
  return x * (a + b + 2) < a + 1 ? betaFraction(a, b, x, y) : 1 - betaFraction(b, a, y, x);
}

/** P(Bin(n, p) = k) by Loader 2000, "Fast and accurate computation of binomial probabilities"; q = 1 - p, 0 < p < 1, whole 0 < k < n. */
function binomialMass(k: number, n: number, p: number, q: number): number {
  const exponent = stirlingError(n) - stirlingError(k) - stirlingError(n - k) - deviance(k, n * p) - deviance(n - k, n * q);
  return Math.exp(exponent) * Math.sqrt(n / (2 * Math.PI * k * (n - k)));
}

function stirlingError(n: number): number {
  if (n < 16) return smallStirlingErrors[n]!;
  const square = n * n;
  return (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - 1 / 1188 / square) / square) / square) / square) / n;
}

/** x log(x / mean) + mean - x, by its series where the two are close and would cancel. */
function deviance(x: number, mean: number): number {
  const difference = x - mean;
  if (Math.abs(difference) >= 0.1 * (x + mean)) return x * Math.log(x / mean) - difference;
  const ratio = difference / (x + mean);
  let sum = difference * ratio;
  let term = 2 * x * ratio;
  for (let order = 3; ; order += 2) {
    term *= ratio * ratio;
    const next = sum + term / order;
    if (next === sum) return sum;
    sum = next;
  }
}

function betaFraction(a: number, b: number, x: number, y: number): number {
  // x^a y^b / (a B(a, b)) in terms of the binomial mass of a out of a + b.
  const factor = (binomialMass(a, a + b, x, y) * b) / (a + b);
  if (factor === 0) return 0;
  const tiny = 1e-300;
  let c = 1;
  let d = 1 / nonZero(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m <= 1_000_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / nonZero(1 + even * d);
    c = nonZero(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / nonZero(1 + odd * d);
    c = nonZero(1 + odd / c);
    fraction *= d * c;
    if (Math.abs(d * c - 1) < 1e-15) return factor * fraction;
  }
  throw new RangeError(`the incomplete beta function did not converge at a = ${a}, b = ${b}, x = ${x}`);

  function nonZero(value: number): number {
    return Math.abs(value) < tiny ? tiny : value;
  }
}
