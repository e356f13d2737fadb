import { type CalibrationMap, fitTemperature, type Kind } from './calibration.ts';
import { logLosses } from './scores.ts';

/** A share is found to about this much: nothing that the documents could speak about hangs on less. */
const tolerance = 1e-4;
const goldenSection = (Math.sqrt(5) - 1) / 2;

/**
 * Logits of two students pooled, the first one's share in [0, 1]: a logarithmic opinion pool (Genest & Zidek 1986, "Combining probability distributions",
 * section 3). Its probabilities are those of a product of experts (Hinton 2002).
 * @param first [n, labels], as `second`
 */
export function pooledLogits(first: ArrayLike<number>, second: ArrayLike<number>, share: number): Float32Array {
  return Float32Array.from(first, (logit, cell) => share * logit + (1 - share) * second[cell]!);
}

/**
 * The share that minimises the log-loss of the pooled logits at their best temperature, on targets that neither student learned from (stacked
 * generalization: Wolpert 1992). Log-loss is convex in the two logits' weights, so along the share, which is their direction, it falls up to
 * the minimum and rises after: a golden-section search finds it (Kiefer 1953).
 * @param first [n, labels] row by row, as `second`
 * @param targets [n, labels], distributions: hard or soft
 */
export function fitShare(
  first: ArrayLike<number>,
  second: ArrayLike<number>,
  targets: ArrayLike<number>,
  n: number,
  labels: number,
  kind: Kind,
): number {
  const lossAt = (share: number): number => {
    const logits = pooledLogits(first, second, share);
    const calibration: CalibrationMap = { method: 'temperature', temperature: fitTemperature(logits, targets, n, labels, kind) };
    return logLosses(logits, targets, labels, kind, calibration).reduce((sum, loss) => sum + loss, 0);
  };
  let [low, high] = [0, 1];
  let [left, right] = [1 - goldenSection, goldenSection];
  let [atLeft, atRight] = [lossAt(left), lossAt(right)];
  while (high - low > tolerance) {
    if (atLeft <= atRight) {
      [high, right, atRight] = [right, left, atLeft];
      left = high - goldenSection * (high - low);
      atLeft = lossAt(left);
    } else {
      [low, left, atLeft] = [left, right, atRight];
      right = low + goldenSection * (high - low);
      atRight = lossAt(right);
    }
  }
  return (low + high) / 2;
}
