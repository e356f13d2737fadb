interface CountedPair {
  readonly pair: number;
  readonly count: number;
}

/** A binary heap of counted pairs: the highest count comes first, of equal ones the lowest pair. */
export interface PairQueue {
  push(pair: number, count: number): void;
  pop(): CountedPair | undefined;
}

export function pairQueue(): PairQueue {
  const heap: CountedPair[] = [];
  const isBefore = (one: CountedPair, other: CountedPair) =>
    one.count > other.count || (one.count === other.count && one.pair < other.pair);

  /** Moves a hole at `at` down to where `entry` belongs, and puts it there. */
  const sink = (entry: CountedPair, at: number) => {
    for (;;) {
      let child = 2 * at + 1;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (child >= heap.length || isBefore(entry, heap[child]!)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = entry;
  };

  return {
    push(pair, count) {
      const entry = { pair, count };
      let at = heap.length;
      for (let parent = (at - 1) >> 1; at > 0 && isBefore(entry, heap[parent]!); parent = (at - 1) >> 1) {
        heap[at] = heap[parent]!;
        at = parent;
      }
      heap[at] = entry;
    },
    pop() {
      const first = heap[0];
      const last = heap.pop();
      if (last && heap.length > 0) sink(last, 0);
      return first;
    },
  };
}
