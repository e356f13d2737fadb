import { hashFraction, type PoolRank, type Sample, type SamplingSettings } from '@llambert/domain';
import { shareInPool } from './pool.ts';

export interface DrawRequest {
  readonly task: string;
  readonly round: number;
  /** By rank. */
  readonly pool: readonly PoolRank[];
  /** Stratum of each document of the pool; null: the draw is uniform. */
  readonly strata: ReadonlyMap<string, string> | null;
  /** Ids of the documents drawn before. */
  readonly drawn: ReadonlySet<string>;
  /** Most documents to draw. */
  readonly size: number;
  readonly settings: Pick<SamplingSettings, 'seed' | 'poolSize'>;
}

/** A document that was drawn, and how. */
export interface Draw extends Pick<Sample, 'strategy' | 'reason' | 'inclusionProbability'> {
  readonly documentId: string;
}

/**
 * Draws up to `size` documents of the pool that have not been drawn before. The pool is uniform and its ranks are independent of the
 * texts, so the smallest ranks are a uniform draw (of the pool, or of a stratum), and the same pool always gives the same samples.
 * Every document that had not been drawn was to be taken with the same probability, whatever the strategy: the samples' mean estimates
 * the source's without weights.
 */
export function drawSamples(request: DrawRequest): Draw[] {
  const { pool, strata, drawn, settings } = request;
  const left = pool.filter((entry) => !drawn.has(entry.documentId));
  const size = Math.min(request.size, left.length);
  const chosen = strata === null ? uniformDraw(left, size) : stratifiedDraw(request, strata, left, size);
  const inclusionProbability = left.length === 0 ? null : (size / left.length) * shareInPool(pool, settings.poolSize);
  return chosen.map((draw) => ({ ...draw, inclusionProbability }));
}

type Chosen = Omit<Draw, 'inclusionProbability'>;

function uniformDraw(entries: readonly PoolRank[], size: number): Chosen[] {
  return entries.slice(0, size).map(({ documentId }) => ({ documentId, strategy: 'uniform', reason: 'uniform draw' }));
}

/** Proportional allocation (Cochran, "Sampling Techniques", 3rd ed., 5.5); within a stratum the smallest ranks. */
function stratifiedDraw(
  { task, round, settings }: DrawRequest,
  stratumOf: ReadonlyMap<string, string>,
  entries: readonly PoolRank[],
  size: number,
): Chosen[] {
  const strata = [...Map.groupBy(entries, ({ documentId }) => stratumOf.get(documentId)!)];
  const start = hashFraction(`strata.v1:${task}:${settings.seed}`, String(round));
  const allocated = allocate(
    strata.map(([, members]) => members.length),
    size,
    start,
  );
  return strata.flatMap(([stratum, members], index) =>
    members
      .slice(0, allocated[index]!)
      .map(({ documentId }) => ({ documentId, strategy: 'stratified', reason: `stratum ${stratum}` }) as const),
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
