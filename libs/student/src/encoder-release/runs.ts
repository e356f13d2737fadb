/** How texts are put together into runs, in tokens. */
export interface RunSettings {
  /** Tokens of a run with several texts, padding included. */
  readonly budget: number;
  /** What a run costs whatever is in it: a text joins others when that saves more than its length adds padding. */
  readonly overhead: number;
}

/**
 * Texts that run together, as indices. Texts of like length are neighbours; a long one is alone, because it fills the processor by
 * itself and padding would be computed for nothing.
 */
export function planRuns(lengths: readonly number[], { budget, overhead }: RunSettings): number[][] {
  const ascending = [...lengths.keys()].sort((left, right) => lengths[left]! - lengths[right]!);
  const runs: number[][] = [];
  let run: number[] = [];
  for (const text of ascending) {
    const length = lengths[text]!;
    const padding = run.reduce((sum, other) => sum + length - lengths[other]!, 0);
    if (run.length > 0 && (length * (run.length + 1) > budget || padding > overhead)) {
      runs.push(run);
      run = [];
    }
    run.push(text);
  }
  if (run.length > 0) runs.push(run);
  return runs;
}
