/**
 * Numbers from the standard normal distribution by the polar method (Marsaglia and Bray 1964), which needs no sine: sums, products,
 * a root and a logarithm only. Seed and stream as of `uniformNumbers`.
 */
export function normalNumbers(seed: number, stream = 0): () => number {
  const uniform = uniformNumbers(seed, stream);
  let spare: number | null = null;
  return () => {
    if (spare !== null) {
      const kept = spare;
      spare = null;
      return kept;
    }
    for (;;) {
      const across = 2 * uniform() - 1;
      const up = 2 * uniform() - 1;
      const square = across * across + up * up;
      if (square >= 1 || square === 0) continue;
      const scale = Math.sqrt((-2 * Math.log(square)) / square);
      spare = up * scale;
      return across * scale;
    }
  };
}

/**
 * Uniform numbers in [0, 1) with 53 bits from SFC32 (Doty-Humphrey, PractRand), seeded as there: 12 outputs thrown away. One seed has
 * many streams that have nothing to do with each other: what is drawn from one does not shift another.
 * @param seed a whole number from 0 to 2^32 - 1
 * @param stream a whole number from 0 to 2^32 - 1
 */
export function uniformNumbers(seed: number, stream = 0): () => number {
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff)
    throw new RangeError(`a seed must be a whole number of 32 bits, not ${seed}`);
  let a = stream | 0;
  let b = seed | 0;
  let c = 0;
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  for (let round = 0; round < 12; round++) next();
  return () => (next() * 2 ** 21 + (next() >>> 11)) / 2 ** 53;
}

/** The numbers from 0 to count - 1 in random order (Fisher–Yates, as in Knuth, volume 2, algorithm 3.4.2P). */
export function shuffled(count: number, uniform: () => number): number[] {
  const order = Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const pick = Math.floor(uniform() * (last + 1));
    [order[last], order[pick]] = [order[pick]!, order[last]!];
  }
  return order;
}
