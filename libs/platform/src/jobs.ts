import { type Clock, type Event, type JobStore, type Lease, type OnRetry, toLlambertError } from '@llambert/domain';
import { backoffMs } from './backoff.ts';
import type { Service } from './service.ts';

/** How a job's handler ended: done, with the events that tell of it, or not yet. */
export type JobResult = { readonly complete: readonly Event[] } | { readonly releaseAfterMs: number };

export interface JobRunnerOptions {
  readonly store: JobStore;
  readonly kind: string;
  /** Names this process among those that take jobs of the kind. No two that live at the same time may have the same name. */
  readonly owner: string;
  /** Jobs in hand at once. */
  readonly concurrency: number;
  /** How long a job may go without a heartbeat before another owner takes it. */
  readonly leaseMs: number;
  /** Longest rest between two looks for jobs that another process may have recorded. */
  readonly pollMs: number;
  readonly clock: Clock;
  /**
   * Does the work. `signal` is aborted when the runner stops or the lease is lost. A job whose handler throws a retryable error, or
   * `cancelled` when the runner stops, is released for a later try; any other error ends the runner (the job is released too).
   */
  readonly handle: (lease: Lease, signal: AbortSignal) => Promise<JobResult>;
  /** Hears of a store that is away, and of jobs whose handlers threw a retryable error. */
  readonly onRetry?: OnRetry | undefined;
}

/**
 * Takes leased jobs and works on them: claim, heartbeat, complete by token. The only place where long work is begun, so the only one
 * that must be right about zombies: an owner whose lease ran out can still finish, but its completion is refused. A store that is away
 * makes it wait.
 */
export function runJobs(options: JobRunnerOptions): Service {
  const { store, kind, owner, concurrency, leaseMs, pollMs, clock } = options;
  const stopping = new AbortController();
  const inHand = new Set<Promise<void>>();
  const failures: unknown[] = [];
  /** Ends the rest between two looks: a job in hand ended, or the runner stops. */
  let awake = new AbortController();

  const begin = (lease: Lease) => {
    const work = workOn(lease, options, stopping.signal)
      .catch((error: unknown) => {
        failures.push(error);
        stopping.abort();
      })
      .finally(() => {
        inHand.delete(work);
        awake.abort();
      });
    inHand.add(work);
  };

  /** Fills the free hands; returns how long nothing more will be due, in milliseconds. */
  const takeJobs = async (): Promise<number> => {
    const free = concurrency - inHand.size;
    if (free === 0) return pollMs;
    const leases = await store.claim({ kind, owner, limit: free, leaseMs, now: clock.now() });
    for (const lease of leases) begin(lease);
    if (leases.length === free) return pollMs;
    const due = await store.nextDue(kind);
    return due === null ? pollMs : Math.min(pollMs, Math.max(1, due - clock.now()));
  };

  const loop = async () => {
    let outages = 0;
    let relinquished = false;
    while (!stopping.signal.aborted) {
      awake = new AbortController();
      let restMs: number;
      try {
        // What a former process of this name had in hand when it was killed need not wait until its leases run out.
        if (!relinquished) await store.relinquish(kind, owner);
        relinquished = true;
        restMs = await takeJobs();
        outages = 0;
      } catch (error) {
        const { retryable, message } = toLlambertError(error);
        if (!retryable) throw error;
        outages += 1;
        restMs = backoffMs(outages);
        options.onRetry?.({ what: `looking for ${kind} jobs`, reason: message, failures: outages, waitMs: restMs });
      }
      if (!stopping.signal.aborted) await clock.sleep(restMs, awake.signal);
    }
  };

  const run = async () => {
    try {
      await loop();
    } finally {
      stopping.abort();
      await Promise.all(inHand);
    }
    if (failures.length > 0) throw failures[0];
  };
  const done = run();
  done.catch(() => undefined);
  return {
    done,
    async stop() {
      stopping.abort();
      awake.abort();
      await done.catch(() => undefined);
    },
  };
}

/** One job from its claim to its end. Rejects only with an error that must end the runner. */
async function workOn(lease: Lease, options: JobRunnerOptions, stopping: AbortSignal): Promise<void> {
  const lost = new AbortController();
  const ended = new AbortController();
  const signal = AbortSignal.any([stopping, lost.signal]);
  const heartbeats = keepAlive(lease, options, lost, ended.signal);
  try {
    // The runner may have been stopped while the claim was under way.
    const result = stopping.aborted ? { releaseAfterMs: 0 } : await options.handle(lease, signal);
    await settle(lease, result, options, signal);
  } catch (error) {
    const known = toLlambertError(error);
    if (known.code === 'stale_lease' || lost.signal.aborted) return;
    const waitMs = known.retryable ? backoffMs(lease.attempt) : 0;
    if (known.retryable && !stopping.aborted) {
      options.onRetry?.({ what: `the ${lease.kind} job`, reason: known.message, failures: lease.attempt, waitMs });
    }
    await releaseQuietly(lease, options, waitMs);
    if (!known.retryable && !(stopping.aborted && known.code === 'cancelled')) throw known;
  } finally {
    ended.abort();
    await heartbeats;
  }
}

async function keepAlive(lease: Lease, options: JobRunnerOptions, lost: AbortController, ended: AbortSignal): Promise<void> {
  while (true) {
    await options.clock.sleep(options.leaseMs / 3, ended);
    if (ended.aborted) return;
    try {
      await options.store.heartbeat(lease, options.leaseMs, options.clock.now());
    } catch (error) {
      // A store that is away is no reason to give up the work: the lease may outlive the outage, and the token decides at the end.
      if (toLlambertError(error).code !== 'stale_lease') continue;
      lost.abort(error);
      return;
    }
  }
}

/**
 * Records how a job ended. What the handler found is worth money or hours, so a store that is away is waited for. A completion whose
 * answer was lost on the way is tried again and then refused as stale: the job is done all the same.
 */
async function settle(lease: Lease, result: JobResult, { store, clock, onRetry }: JobRunnerOptions, signal: AbortSignal): Promise<void> {
  for (let outages = 1; ; outages += 1) {
    try {
      if ('complete' in result) await store.complete(lease, result.complete);
      else await store.release(lease, clock.now() + result.releaseAfterMs);
      return;
    } catch (error) {
      const { retryable, message } = toLlambertError(error);
      if (signal.aborted || !retryable) throw error;
      const waitMs = backoffMs(outages);
      onRetry?.({ what: `recording the end of the ${lease.kind} job`, reason: message, failures: outages, waitMs });
      await clock.sleep(waitMs, signal);
    }
  }
}

async function releaseQuietly(lease: Lease, { store, clock }: JobRunnerOptions, waitMs: number): Promise<void> {
  try {
    await store.release(lease, clock.now() + waitMs);
  } catch {
    // The lease runs out by itself; the first error is the one to report.
  }
}
