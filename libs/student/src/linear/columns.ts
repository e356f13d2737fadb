/**
 * Numbers the features that were seen: hash → column, by open addressing with linear probing. Hashes are mixed already, so their
 * low bits choose the slot.
 */
export class Columns {
  /** 0 marks a free slot; a feature whose hash is 0 goes by the name 1. */
  #hashes: Int32Array;
  /** Apart from the hashes, so that these stay in the cache: most look-ups that fail touch nothing else. */
  #columns: Int32Array;
  #mask: number;
  #size = 0;

  /** @param hashes features that get the first columns, in their order */
  constructor(hashes: Int32Array = new Int32Array(0)) {
    const slots = 2 ** Math.max(10, Math.ceil(Math.log2(2 * hashes.length + 1)));
    this.#hashes = new Int32Array(slots);
    this.#columns = new Int32Array(slots);
    this.#mask = slots - 1;
    for (const hash of hashes) this.add(hash);
  }

  get size(): number {
    return this.#size;
  }

  /** The feature's column, or -1 if it was never added. */
  find(hash: number): number {
    const name = hash || 1;
    const hashes = this.#hashes;
    const mask = this.#mask;
    let slot = name & mask;
    for (;;) {
      const found = hashes[slot]!;
      if (found === name) return this.#columns[slot]!;
      if (found === 0) return -1;
      slot = (slot + 1) & mask;
    }
  }

  /** The feature's column; a new feature gets the next one. */
  add(hash: number): number {
    const name = hash || 1;
    let slot = name & this.#mask;
    for (; this.#hashes[slot] !== 0; slot = (slot + 1) & this.#mask) {
      if (this.#hashes[slot] === name) return this.#columns[slot]!;
    }
    this.#hashes[slot] = name;
    this.#columns[slot] = this.#size++;
    if (2 * this.#size > this.#mask) this.#grow();
    return this.#size - 1;
  }

  /** The features' hashes in the order of their columns. */
  hashes(): Int32Array {
    const inOrder = new Int32Array(this.#size);
    for (let slot = 0; slot <= this.#mask; slot++) {
      if (this.#hashes[slot] !== 0) inOrder[this.#columns[slot]!] = this.#hashes[slot]!;
    }
    return inOrder;
  }

  #grow(): void {
    const larger = new Columns(this.hashes());
    this.#hashes = larger.#hashes;
    this.#columns = larger.#columns;
    this.#mask = larger.#mask;
  }
}
