import type { Answer } from '../annotation.ts';
import type { Document } from '../document.ts';
import type { DeploymentChanged, Event, ModelReleased, PassOpened, RoundOpened, RoundsClosed } from '../event.ts';
import type { Gold } from '../gold.ts';
import type { NanoUsd } from '../money.ts';
import type { RoundEvaluation, RoundsState } from '../round.ts';
import type { Sample } from '../sample.ts';
import type { TeacherAnswer } from './teacher.ts';

// One store for each stage, which is its only writer. Every method is one transaction. Methods that take events put them in the
// outbox in that transaction; methods named `record…` are upserts by the identity of what they record, so that they can be repeated.

/** A document of the pool without its texts, of which a pool may hold gigabytes. */
export interface PoolRank {
  readonly rank: string;
  readonly documentId: string;
}

export interface PoolEntry {
  /** Keyed hash of the document id, in hex: the pool is the entries of the smallest ranks. */
  readonly rank: string;
  readonly document: Document;
}

/** The sampler's: pool, rounds, samples. */
export interface SamplerStore {
  /** The source's end offsets when the task began; the first recording stands. */
  recordBacklog(task: string, endOffsets: readonly number[]): Promise<void>;
  backlog(task: string): Promise<readonly number[] | null>;
  /** Merges entries into the task's pool and keeps the `size` smallest ranks; an entry whose document id is there is left alone. */
  offer(task: string, entries: readonly PoolEntry[], size: number): Promise<void>;
  /** The largest rank of a pool that holds `size` entries; null while it holds fewer. */
  poolCeiling(task: string, size: number): Promise<string | null>;
  /** By rank. */
  poolRanks(task: string): Promise<readonly PoolRank[]>;
  /** By rank, a few documents in memory at a time: the pool may change while it is read. */
  pool(task: string): AsyncIterable<PoolEntry>;
  /** Those of these documents that are in the pool, by id. */
  poolDocuments(task: string, ids: readonly string[]): Promise<ReadonlyMap<string, Document>>;
  roundsState(task: string): Promise<RoundsState>;
  drawnDocumentIds(task: string): Promise<ReadonlySet<string>>;
  /** Of the documents that were asked about a second time. */
  askedAgainIds(task: string): Promise<ReadonlySet<string>>;
  /** Opens the round that follows the present state, with its samples and events; does nothing where that round is open already. */
  openRound(opened: RoundOpened, samples: readonly Sample[], events: readonly Event[]): Promise<void>;
  /** Closes the rounds after the last one that was opened; does nothing where they are closed, or another round is open by now. */
  closeRounds(closed: RoundsClosed, events: readonly Event[]): Promise<void>;
  recordEvaluation(evaluation: RoundEvaluation): Promise<void>;
  /** By round. */
  evaluations(task: string): Promise<readonly RoundEvaluation[]>;
}

export interface Spend {
  readonly cap: NanoUsd;
  /** What calls have cost, those with unknown outcome at their reserved price. */
  readonly settled: NanoUsd;
  /** Worst prices of the calls in flight. */
  readonly reserved: NanoUsd;
  /** Calls that were answered or may be billed; not those that the server refused before it worked. */
  readonly calls: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Calls whose outcome is unknown: settled at their reserved price. */
  readonly unknownOutcomes: number;
  /** Price of the unknown outcomes. */
  readonly unknownCost: NanoUsd;
  /** Calls whose answer came without its tokens: settled at their reserved price, as if it were the real one. */
  readonly unmeasuredCalls: number;
  /** Price of the unmeasured calls. */
  readonly unmeasuredCost: NanoUsd;
}

/** The annotator's: the ledger, the answer cache, the answers. */
export interface AnnotationStore {
  /** Creates the task's budget, or changes its cap. */
  recordBudget(task: string, cap: NanoUsd): Promise<void>;
  /** One conditional UPDATE: reserves `amount` for a call unless settled + reserved + amount would pass the cap. */
  reserve(call: { task: string; callId: string; sampleId: string; amount: NanoUsd }): Promise<boolean>;
  /**
   * Replaces a reservation by the call's price and keeps its answer under the cache key, in one transaction. A call whose answer has no
   * usage counts as unmeasured.
   */
  settle(call: {
    task: string;
    callId: string;
    price: NanoUsd;
    inputTokens: number;
    outputTokens: number;
    answer: { cacheKey: string; answer: TeacherAnswer } | null;
  }): Promise<void>;
  /** Settles a reservation at its reserved price: the provider may bill the call. */
  settleUnknown(call: { task: string; callId: string }): Promise<void>;
  /** Settles as unknown every reservation that a crash left open for the sample, or for any sample; returns how many. */
  settleAbandoned(task: string, sampleId: string | null): Promise<number>;
  cachedAnswer(cacheKey: string): Promise<TeacherAnswer | null>;
  spend(task: string): Promise<Spend>;
  /** Calls that have been settled, by sample: for books and tests. */
  calls(
    task: string,
  ): AsyncIterable<{ callId: string; sampleId: string; price: NanoUsd; outcome: 'settled' | 'unmeasured' | 'unknown' | 'reserved' }>;
}

/** The trainer's: what it has heard of each round, and the gold. */
export interface TrainerStore {
  recordRounds(opened: readonly RoundOpened[]): Promise<void>;
  recordSamples(samples: readonly Sample[]): Promise<void>;
  recordAnswers(answers: readonly Answer[]): Promise<void>;
  /** A document has one gold label a task: the last decision stands. */
  recordGold(gold: readonly Gold[]): Promise<void>;
  round(task: string, round: number): Promise<{ opened: RoundOpened; samples: number; answers: number } | null>;
  /** Rounds for which no training has been enqueued yet. */
  roundsToTrain(task: string): Promise<readonly RoundOpened[]>;
  /** Says that the round's training is enqueued, not that it is done. */
  markEnqueued(task: string, round: number): Promise<void>;
  /** Every sample of rounds 1 to `round` that has an answer, with it, by sample id. */
  answeredSamples(task: string, round: number): Promise<readonly { sample: Sample; answer: Answer }[]>;
  /** By document id. */
  gold(task: string): Promise<readonly Gold[]>;
}

/** The gateway's: models it heard of, deployments, passes. */
export interface GatewayStore {
  recordModel(model: ModelReleased): Promise<void>;
  models(task: string): Promise<readonly ModelReleased[]>;
  recordRoundsClosed(closed: RoundsClosed): Promise<void>;
  roundsClosed(task: string): Promise<RoundsClosed | null>;
  recordEvaluation(evaluation: RoundEvaluation): Promise<void>;
  evaluations(task: string): Promise<readonly RoundEvaluation[]>;
  /** Deploys a model and opens the live pass, with their events; does nothing where the task has that deployment and pass. */
  deploy(change: DeploymentChanged, pass: PassOpened, events: readonly Event[]): Promise<void>;
  deployment(task: string): Promise<{ model: string; pass: string } | null>;
}

/** Small facts about a run that belong to no stage: which task and input a folder was begun with, and the like. */
export interface RunStore {
  /** Stores a value under a key unless one is there; returns the one that is there afterwards. */
  remember(key: string, value: string): Promise<string>;
  /** Stores a value under a key, in place of one that is there. */
  replace(key: string, value: string): Promise<void>;
  recall(key: string): Promise<string | null>;
}
