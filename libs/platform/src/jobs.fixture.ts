import { sqliteState } from '@llambert/adapters/sqlite';
import { type Event, type JobStore, type Lease, LlambertError, type Retry } from '@llambert/domain';
import { anEvent } from '@llambert/testing';
import { handClock } from './hand-clock.fixture.ts';
import { type JobResult, type JobRunnerOptions, runJobs } from './jobs.ts';
import type { Service } from './service.ts';

export const leaseMs = 900;
export const pollMs = 200;

/** Jobs of one kind in a state of their own, under a clock moved by hand, and runners of them. */
export async function openJobs() {
  const clock = handClock();
  const state = await sqliteState(':memory:');
  const runners: Service[] = [];
  const retries: Retry[] = [];
  return {
    clock,
    state,
    /** What the runners said they would try again. */
    retries,
    enqueue: (...ids: string[]) => state.jobs.enqueue(ids.map((id) => ({ kind: 'work', id, scope: 'task', payload: '{}' }))),
    counts: () => state.jobs.counts('work', 'task'),
    sent: async () => (await state.outbox.pendingEvents(100)).map((event) => event.id),
    claimAs: async (owner: string) => (await state.jobs.claim({ kind: 'work', owner, limit: 1, leaseMs, now: clock.now() }))[0],

    /** A runner over the state; `store` replaces methods of the job store to make them fail. */
    run(handle: JobRunnerOptions['handle'], changes: { store?: Partial<JobStore>; concurrency?: number; owner?: string } = {}): Service {
      const { concurrency = 1, owner = 'one' } = changes;
      const store = { ...state.jobs, ...changes.store };
      const runner = runJobs({
        store,
        kind: 'work',
        owner,
        concurrency,
        leaseMs,
        pollMs,
        clock,
        handle,
        onRetry: (retry) => retries.push(retry),
      });
      runners.push(runner);
      return runner;
    },

    /** A handler that breaks off as it should when its signal is aborted. */
    async untilAborted(_: Lease, signal: AbortSignal): Promise<JobResult> {
      await clock.sleep(1e9, signal);
      throw new LlambertError('cancelled', 'stopped');
    },

    async close(): Promise<void> {
      await Promise.all(runners.map((runner) => runner.stop()));
      await state.close();
    },
  };
}

/** A handler that is done at once. */
export const complete = async ({ id }: Lease): Promise<JobResult> => ({ complete: [anEvent(`${id} done`)] });

/** A handler whose jobs end when they are told to; it notes which were begun, and which were told to break off. */
export function slowHandler() {
  const begun: string[] = [];
  const aborted: string[] = [];
  const ends = new Map<string, (result: JobResult) => void>();
  return {
    begun,
    aborted,
    finish: (id: string, events: readonly Event[] = [anEvent(`${id} done`)]) => ends.get(id)!({ complete: events }),
    handle: ({ id }: Lease, signal: AbortSignal) => {
      begun.push(id);
      signal.addEventListener('abort', () => aborted.push(id));
      return new Promise<JobResult>((resolve) => ends.set(id, resolve));
    },
  };
}
