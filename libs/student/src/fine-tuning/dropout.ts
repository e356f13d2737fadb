import { uniformNumbers } from '../random.ts';

/** Stream of the seed that the table is drawn from. */
const tableStream = 2 ** 30;

/** Places in the table that a mask may begin at. */
const places = 2 ** 20;

/**
 * Dropout (Srivastava et al. 2014) with masks cut from one table of random elements at random places, instead of drawing as many
 * numbers as there are activations at every step: the shared noise table of Salimans et al. 2017 ("Evolution Strategies as a
 * Scalable Alternative to Reinforcement Learning", section 2.1). Which masks a step sees depends on the seed and its number alone,
 * so a training that was resumed goes on as if it had not been stopped.
 */
export class DropoutMasks {
  readonly #rate: number;
  readonly #seed: number;
  #table = new Float32Array(0);

  /** @param rate probability that an element is dropped; what stays is divided by 1 − rate */
  constructor(rate: number, seed: number) {
    this.#rate = rate;
    this.#seed = seed;
  }

  /** A mask of `length` elements, each 0 or 1/(1 − rate), beginning where `uniform` says. It shares memory with all others. */
  mask(length: number, uniform: () => number): Float32Array {
    const start = Math.floor(uniform() * places);
    if (this.#table.length < places + length) this.#grow(places + length);
    return this.#table.subarray(start, start + length);
  }

  /** Drawn anew from the beginning, so that a mask does not depend on which lengths came before. */
  #grow(length: number): void {
    const uniform = uniformNumbers(this.#seed, tableStream);
    const kept = 1 / (1 - this.#rate);
    this.#table = new Float32Array(length);
    for (let at = 0; at < length; at++) this.#table[at] = uniform() < this.#rate ? 0 : kept;
  }
}
