import { hashFraction, type PoolEntry, type Sample, type SamplingSettings, sampleId } from '@llambert/domain';
import { shareInPool } from './pool.ts';
import { byField, byScriptAndLength, type Stratifier } from './strata.ts';

export interface DrawRequest {
  readonly task: string;
  readonly round: number;
  /** By rank. */
  readonly pool: readonly PoolEntry[];
  /** Ids of the documents drawn before. */
  readonly drawn: ReadonlySet<string>;
  /** Most documents to draw. */
  readonly size: number;
  readonly settings: SamplingSettings;
}

/**
 * Draws up to `size` documents of the pool that have not been drawn before. The pool is uniform and its ranks are independent of the
 * texts, so the smallest ranks are a uniform draw (of the pool, or of a stratum), and the same pool always gives the same samples.
 * Every document that had not been drawn was to be taken with the same probability, whatever the strategy: the samples' mean estimates
 * the source's without weights.
 */
export function drawSamples(request: DrawRequest): Sample[] {
  const { task, round, pool, drawn, settings } = request;
  const left = pool.filter((entry) => !drawn.has(entry.document.id));
  const size = Math.min(request.size, left.length);
  const chosen = settings.strategy === 'uniform' ? uniformDraw(left, size) : stratifiedDraw(request, left, size);
  const inclusionProbability = left.length === 0 ? null : (size / left.length) * shareInPool(pool, settings.poolSize);
  return chosen.map(({ entry: { document }, strategy, reason }) => ({
    id: sampleId(task, document.id),
    task,
    round,
    document,
    strategy,
    reason,
    inclusionProbability,
  }));
}

interface Chosen extends Pick<Sample, 'strategy' | 'reason'> {
  readonly entry: PoolEntry;
}

function uniformDraw(entries: readonly PoolEntry[], size: number): Chosen[] {
  return entries.slice(0, size).map((entry) => ({ entry, strategy: 'uniform', reason: 'uniform draw' }));
}

/** Proportional allocation (Cochran, "Sampling Techniques", 3rd ed., 5.5); within a stratum the smallest ranks. */
function stratifiedDraw({ task, round, pool, settings }: DrawRequest, entries: readonly PoolEntry[], size: number): Chosen[] {
  const stratumOf: Stratifier = settings.stratifyBy === null ? byScriptAndLength(pool) : byField(settings.stratifyBy);
  const strata = [...Map.groupBy(entries, (entry) => stratumOf(entry.document))];
  const start = hashFraction(`strata.v1:${task}:${settings.seed}`, String(round));
  const allocated = allocate(
    strata.map(([, members]) => members.length),
    size,
    start,
  );
  return strata.flatMap(([stratum, members], index) =>
    members.slice(0, allocated[index]!).map((entry) => ({ entry, strategy: 'stratified', reason: `stratum ${stratum}` })),
  );
}

/**
 * Shares `size` out over strata of the given sizes: each gets its exact proportion rounded down or up, and over all `start` in [0, 1)
 * that proportion on average, so that small strata together are not forgotten (systematic rounding; Madow 1949, "On the theory of
 * systematic sampling, II", Annals of Mathematical Statistics 20). In whole numbers, so the shares always add up to `size`, which is at
 * most the sum of `sizes`.
 */
export function allocate(sizes: readonly number[], size: number, start: number): number[] {
  const total = sizes.reduce((sum, members) => sum + members, 0);
  const offset = Math.floor(start * total);
  let passed = 0;
  let given = 0;
  return sizes.map((members) => {
    passed += members;
    const before = given;
    given = Math.floor((passed * size + offset) / total);
    return given - before;
  });
}
