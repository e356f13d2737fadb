/**
 * Numbers the features that were seen: hash → column, by open addressing with linear probing. Hashes are mixed already, so their
 * low bits choose the slot.
 */
export class Columns {
  /** Hash and column + 1 of every slot, side by side: one cache line per look-up. */
  #slots: Int32Array;
  #mask: number;
  #size = 0;
  #bits: Int32Array;
  #bitMask: number;

  /** @param hashes features that get the first columns, in their order */
  constructor(hashes: Int32Array = new Int32Array(0)) {
    const slots = 2 ** Math.max(10, Math.ceil(Math.log2(2 * hashes.length + 1)));
    this.#slots = new Int32Array(2 * slots);
    this.#mask = slots - 1;
    this.#bits = new Int32Array(slots / 8);
    this.#bitMask = slots / 8 - 1;
    for (const hash of hashes) this.add(hash);
  }

  get size(): number {
    return this.#size;
  }

  /** The feature's column, or -1 if it was never added. */
  find(hash: number): number {
    const slots = this.#slots;
    const mask = this.#mask;
    if ((this.#bits[(hash >>> 5) & this.#bitMask]! & (1 << hash)) === 0) return -1;
    let slot = hash & mask;
    for (;;) {
      const column = slots[2 * slot + 1]!;
      if (column === 0 || slots[2 * slot] === hash) return column - 1;
      slot = (slot + 1) & mask;
    }
  }

  /** The feature's column; a new feature gets the next one. */
  add(hash: number): number {
    const slots = this.#slots;
    const mask = this.#mask;
    let slot = hash & mask;
    while (slots[2 * slot + 1] !== 0) {
      if (slots[2 * slot] === hash) return slots[2 * slot + 1]! - 1;
      slot = (slot + 1) & mask;
    }
    slots[2 * slot] = hash;
    this.#bits[(hash >>> 5) & this.#bitMask]! |= 1 << hash;
    slots[2 * slot + 1] = ++this.#size;
    if (2 * this.#size > mask) this.#grow();
    return this.#size - 1;
  }

  /** The features' hashes in the order of their columns. */
  hashes(): Int32Array {
    const hashes = new Int32Array(this.#size);
    for (let slot = 0; slot <= this.#mask; slot++) {
      const column = this.#slots[2 * slot + 1]!;
      if (column !== 0) hashes[column - 1] = this.#slots[2 * slot]!;
    }
    return hashes;
  }

  #grow(): void {
    const hashes = this.hashes();
    this.#slots = new Int32Array(2 * this.#slots.length);
    this.#mask = 2 * this.#mask + 1;
    this.#size = 0;
    for (const hash of hashes) this.add(hash);
  }
}
