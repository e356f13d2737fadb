import type { Variant } from './precision.ts';

/** Tokens of the longest text that runs with others. A longer one fills the processor by itself. A model keeps what it was released with. */
export const longestInBatch = 64;
/** Tokens of a run with several texts, padding included: more in one run make it no faster. */
const budget = 256;
/** What a run costs whatever is in it, in tokens: a text joins others where that saves more than it adds in padding. */
const overhead = 10;

/** Texts that run together, as indices, and the graph that they run in. */
export interface Run {
  readonly variant: Variant;
  readonly texts: number[];
}

/**
 * Plans the runs of texts with these lengths, in tokens. The graph depends on a text's own length alone: in 8-bit integers the two
 * graphs round differently, and a text's logits shall not depend on its company.
 * @param longest of the texts that may run with others
 */
export function planRuns(lengths: readonly number[], longest: number): Run[] {
  const ascending = [...lengths.keys()].sort((left, right) => lengths[left]! - lengths[right]!);
  const runs: Run[] = [];
  let open: number[] = [];
  let padding = 0;
  for (const text of ascending) {
    const length = lengths[text]!;
    if (length > longest) {
      runs.push({ variant: 'single', texts: [text] });
      continue;
    }
    const longer = open.length === 0 ? 0 : length - lengths[open.at(-1)!]!;
    padding += longer * open.length;
    if (open.length === 0 || length * (open.length + 1) > budget || padding > overhead) {
      open = [];
      padding = 0;
      runs.push({ variant: 'batch', texts: open });
    }
    open.push(text);
  }
  return runs;
}
