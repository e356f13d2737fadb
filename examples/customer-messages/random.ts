/** Uniform numbers in [0, 1), and a pick from a list. */
export interface Random {
  next(): number;
  pick<Item>(items: readonly Item[]): Item;
  chance(probability: number): boolean;
}

/**
 * A stream of random numbers named by two integers: sfc32 (Chris Doty-Humphrey's Small Fast Counter, 32 bit, from PractRand).
 * Message `index` of seed `seed` has a stream of its own, so it reads the same however many messages are made.
 */
export function randomStream(seed: number, index: number): Random {
  let a = seed | 0;
  let b = index | 0;
  let c = 0x9e3779b9;
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let round = 0; round < 12; round++) next();
  return {
    next,
    pick: (items) => items[Math.floor(next() * items.length)]!,
    chance: (probability) => next() < probability,
  };
}
