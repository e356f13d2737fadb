import { shuffled } from '../random.ts';

/** Batches whose texts are sorted by length together: more make less padding, fewer make batches more random. */
const batchesPerBucket = 16;

/**
 * An epoch's batches, as indices of rows: shuffled, then sorted by length inside buckets of some batches, so that a batch holds
 * texts of like length and little padding, then the batches shuffled again.
 */
export function epochBatches(lengths: ArrayLike<number>, batchSize: number, uniform: () => number): number[][] {
  const order = shuffled(lengths.length, uniform);
  const batches: number[][] = [];
  for (let start = 0; start < order.length; start += batchSize * batchesPerBucket) {
    const bucket = order.slice(start, start + batchSize * batchesPerBucket).sort((left, right) => lengths[left]! - lengths[right]!);
    for (let at = 0; at < bucket.length; at += batchSize) batches.push(bucket.slice(at, at + batchSize));
  }
  return shuffled(batches.length, uniform).map((index) => batches[index]!);
}
