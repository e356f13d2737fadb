/** A learning curve's law: the error to expect from a number of annotations. */
export interface PowerLaw {
  /** Error in [0, 1] after `n` annotations, at least 1; never grows with n. */
  predict(n: number): number;
}

/**
 * Exponents looked at: learning curves of text tasks fall with 0.05 to 0.5 (Hestness et al., figures 1 to 4), few data also faster.
 * 100 of them, equally spaced on the logarithm.
 */
const [leastExponent, greatestExponent] = [0.01, 2];
const exponents = Array.from({ length: 100 }, (_, step) => leastExponent * (greatestExponent / leastExponent) ** (step / 99));

/**
 * Fits error = scale * n^-exponent + floor with scale and floor >= 0 (Hestness et al. 2017, "Deep learning scaling is predictable,
 * empirically", arXiv 1712.00409) by least squares that weigh a point by its n, as a share counted on n documents varies by 1 / n
 * (later points weigh more in Figueroa et al. 2012, "Predicting sample size required for classification performance", BMC Medical
 * Informatics and Decision Making 12:8, as well).
 *
 * Given the exponent, scale and floor have a closed form, so one number is searched for and no start can lead astray. Where many
 * exponents fit alike (two different n only), the smallest is taken: the law with the lowest floor. Points that get worse, or all
 * share one n, give a constant.
 *
 * @param points in any order, at least one; n >= 1 and error in [0, 1].
 * @throws RangeError for other points.
 */
export function fitPowerLaw(points: readonly { readonly n: number; readonly error: number }[]): PowerLaw {
  const odd = points.find(({ n, error }) => !(n >= 1 && Number.isFinite(n) && error >= 0 && error <= 1));
  if (points.length === 0 || odd !== undefined) {
    throw new RangeError(
      `a learning curve needs points with n >= 1 and an error in [0, 1], not ${odd === undefined ? 'none' : JSON.stringify(odd)}`,
    );
  }
  // Multiples of the smallest n, so that no power of it underflows.
  const unit = Math.min(...points.map(({ n }) => n));
  const fits = exponents.map((exponent) => fitLinear(points, unit, exponent));
  // Below this a difference of losses is rounding.
  const tolerance = 1e-14 * points.reduce((sum, { n }) => sum + n, 0);
  const least = Math.min(...fits.map(({ loss }) => loss));
  const best = fits.findIndex(({ loss }) => loss <= least + tolerance);

  let [low, high] = [exponents[Math.max(0, best - 1)]!, exponents[Math.min(exponents.length - 1, best + 1)]!];
  for (let step = 0; step < 60; step++) {
    const [left, right] = [low + (high - low) / 3, high - (high - low) / 3];
    if (fitLinear(points, unit, left).loss <= fitLinear(points, unit, right).loss + tolerance) high = right;
    else low = left;
  }
  const { scale, floor, exponent } = fitLinear(points, unit, (low + high) / 2);
  return {
    predict(n) {
      if (!(n >= 1)) throw new RangeError(`no error can be predicted for ${n} annotations`);
      return Math.min(1, scale * (n / unit) ** -exponent + floor);
    },
  };
}

interface LinearFit {
  readonly exponent: number;
  readonly scale: number;
  readonly floor: number;
  /** Weighted sum of squares. */
  readonly loss: number;
}

/** The best scale and floor, both >= 0, for an exponent: the plain solution, or the better edge where that has a negative one. */
function fitLinear(points: readonly { n: number; error: number }[], unit: number, exponent: number): LinearFit {
  let [weight, sumX, sumY] = [0, 0, 0];
  const rows = points.map(({ n, error }) => ({ w: n / unit, x: (n / unit) ** -exponent, y: error }));
  for (const { w, x, y } of rows) {
    weight += w;
    sumX += w * x;
    sumY += w * y;
  }
  const [meanX, meanY] = [sumX / weight, sumY / weight];
  let [varianceX, covariance, squareX, product] = [0, 0, 0, 0];
  for (const { w, x, y } of rows) {
    varianceX += w * (x - meanX) ** 2;
    covariance += w * (x - meanX) * (y - meanY);
    squareX += w * x * x;
    product += w * x * y;
  }
  const constant = fitOf(0, meanY);
  if (!(varianceX > 0 && covariance > 0)) return constant;
  const scale = covariance / varianceX;
  const floor = meanY - scale * meanX;
  return floor >= 0 ? fitOf(scale, floor) : fitOf(product / squareX, 0);

  function fitOf(a: number, c: number): LinearFit {
    return { exponent, scale: a, floor: c, loss: unit * rows.reduce((sum, { w, x, y }) => sum + w * (a * x + c - y) ** 2, 0) };
  }
}
