/**
 * The items of a stream again, in batches that depend on the items alone and not on how the stream cut them: a batch is full with
 * `count` items or as soon as their sizes sum up to `size`.
 */
export async function* inBatches<Item>(
  source: AsyncIterable<readonly Item[]>,
  sizeOf: (item: Item) => number,
  limits: { readonly count: number; readonly size: number },
): AsyncGenerator<Item[]> {
  let batch: Item[] = [];
  let size = 0;
  for await (const items of source) {
    for (const item of items) {
      batch.push(item);
      size += sizeOf(item);
      if (batch.length < limits.count && size < limits.size) continue;
      yield batch;
      batch = [];
      size = 0;
    }
  }
  if (batch.length > 0) yield batch;
}
