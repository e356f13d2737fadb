import { sqliteState } from '@llambert/adapters/sqlite';
import { type Event, type JobStore, type Lease, LlambertError } from '@llambert/domain';
import { anEvent } from '@llambert/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { handClock } from './hand-clock.fixture.ts';
import { type JobResult, type JobRunnerOptions, runJobs } from './jobs.ts';
import type { Service } from './service.ts';

const leaseMs = 900;
const pollMs = 200;
const away = new LlambertError('store_unavailable', 'the store is away');

describe('runJobs', () => {
  let clock: ReturnType<typeof handClock>;
  let state: Awaited<ReturnType<typeof sqliteState>>;
  let runners: Service[];
  beforeEach(async () => {
    clock = handClock();
    state = await sqliteState(':memory:');
    runners = [];
  });
  afterEach(async () => {
    await Promise.all(runners.map((runner) => runner.stop()));
    await state.close();
  });

  const enqueue = (...ids: string[]) => state.jobs.enqueue(ids.map((id) => ({ kind: 'work', id, scope: 'task', payload: '{}' })));
  const counts = () => state.jobs.counts('work', 'task');
  const sent = async () => (await state.outbox.pendingEvents(100)).map((event) => event.id);
  const claimAs = async (owner: string) => (await state.jobs.claim({ kind: 'work', owner, limit: 1, leaseMs, now: clock.now() }))[0];

  /** A runner over the state; `store` replaces methods of the job store to make them fail. */
  function run(
    handle: JobRunnerOptions['handle'],
    changes: { store?: Partial<JobStore>; concurrency?: number; owner?: string } = {},
  ): Service {
    const { concurrency = 1, owner = 'one' } = changes;
    const store = { ...state.jobs, ...changes.store };
    const runner = runJobs({ store, kind: 'work', owner, concurrency, leaseMs, pollMs, clock, handle });
    runners.push(runner);
    return runner;
  }

  const complete = async ({ id }: Lease): Promise<JobResult> => ({ complete: [anEvent(`${id} done`)] });

  /** A handler whose jobs end when they are told to; it notes which were begun, and which were told to break off. */
  function slowHandler() {
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

  /** Breaks off as a handler should when its signal is aborted. */
  async function untilAborted(_: Lease, signal: AbortSignal): Promise<JobResult> {
    await clock.sleep(1e9, signal);
    throw new LlambertError('cancelled', 'stopped');
  }

  describe('takes jobs', () => {
    it('and completes each once, with its events', async () => {
      const handled: string[] = [];
      await enqueue('a', 'b', 'c');
      run(async (lease) => {
        handled.push(lease.id);
        return complete(lease);
      });
      await clock.settle();
      expect(handled).toEqual(['a', 'b', 'c']);
      expect(await sent()).toEqual(['a done', 'b done', 'c done']);
      expect(await counts()).toEqual({ waiting: 0, leased: 0, done: 3 });
    });

    it('as many at once as it has hands, and the next as soon as one is free', async () => {
      const slow = slowHandler();
      await enqueue('a', 'b', 'c', 'd');
      run(slow.handle, { concurrency: 2 });
      await clock.settle();
      expect(slow.begun).toEqual(['a', 'b']);
      slow.finish('b');
      await clock.settle();
      expect(slow.begun).toEqual(['a', 'b', 'c']);
      for (const id of ['a', 'c', 'd']) {
        slow.finish(id);
        await clock.settle();
      }
      expect(await sent()).toEqual(['b done', 'a done', 'c done', 'd done']);
    });

    it('that were recorded meanwhile, at the next look', async () => {
      const slow = slowHandler();
      run(slow.handle);
      await clock.advance(pollMs / 2);
      await enqueue('a');
      await clock.advance(pollMs / 2);
      expect(slow.begun).toEqual(['a']);
      slow.finish('a');
    });

    it('again when a released one is due, and not before', async () => {
      const begun: number[] = [];
      await enqueue('a');
      run(async (lease) => {
        begun.push(clock.now());
        return begun.length < 3 ? { releaseAfterMs: 50 } : complete(lease);
      });
      await clock.advance(1000);
      expect(begun).toEqual([0, 50, 100]);
      expect(await counts()).toMatchObject({ done: 1 });
    });

    it('of an owner that died, when its lease has run out', async () => {
      await enqueue('a');
      await claimAs('dead');
      run(complete);
      await clock.advance(leaseMs - 1);
      expect(await sent()).toEqual([]);
      await clock.advance(1);
      expect(await sent()).toEqual(['a done']);
    });
  });

  describe('begins', () => {
    it('with what the former process of its name had in hand, without waiting for the leases to run out', async () => {
      await enqueue('a', 'b');
      await claimAs('one');
      await claimAs('two');
      run(complete, { owner: 'one' });
      await clock.settle();
      expect(await sent()).toEqual(['a done']);
    });

    it('also where the store is away at first', async () => {
      let failures = 0;
      await enqueue('a');
      await claimAs('one');
      run(complete, {
        store: {
          async relinquish(...former) {
            if (failures++ === 0) throw away;
            await state.jobs.relinquish(...former);
          },
        },
      });
      await clock.advance(500);
      expect(await sent()).toEqual(['a done']);
    });

    it('once: it does not take back what it has in hand itself', async () => {
      const slow = slowHandler();
      await enqueue('a');
      run(slow.handle, { concurrency: 2 });
      await clock.advance(10 * pollMs);
      expect(slow.begun).toEqual(['a']);
      slow.finish('a');
      await clock.settle();
      expect(await sent()).toEqual(['a done']);
    });
  });

  describe('holds its leases', () => {
    it('as long as the work takes, so that no other owner begins it', async () => {
      const [slow, other] = [slowHandler(), slowHandler()];
      await enqueue('a');
      run(slow.handle);
      await clock.settle();
      run(other.handle, { owner: 'two' });
      await clock.advance(10 * leaseMs);
      expect(other.begun).toEqual([]);
      slow.finish('a');
      await clock.settle();
      expect(await sent()).toEqual(['a done']);
    });

    it('through an outage that is shorter than they are', async () => {
      const slow = slowHandler();
      let failures = 0;
      await enqueue('a');
      run(slow.handle, {
        store: {
          async heartbeat(...beat) {
            if (failures++ < 2) throw away;
            await state.jobs.heartbeat(...beat);
          },
        },
      });
      await clock.advance(leaseMs - 1);
      expect(slow.aborted).toEqual([]);
      await clock.advance(leaseMs);
      expect(await claimAs('two')).toBeUndefined();
      slow.finish('a');
      await clock.settle();
      expect(await sent()).toEqual(['a done']);
    });

    it('and tells the handler to break off when one is lost; nothing that it then says counts', async () => {
      const slow = slowHandler();
      const heartbeat = { beats: false };
      await enqueue('a');
      const runner = run(slow.handle, {
        store: {
          async heartbeat(...beat) {
            if (!heartbeat.beats) throw away;
            await state.jobs.heartbeat(...beat);
          },
        },
      });
      await clock.advance(leaseMs);
      const successor = (await claimAs('two'))!;
      heartbeat.beats = true;
      await clock.advance(leaseMs / 3);
      expect(slow.aborted).toEqual(['a']);
      slow.finish('a', [anEvent('zombie')]);
      await clock.settle();
      await state.jobs.complete(successor, [anEvent('successor')]);
      expect(await sent()).toEqual(['successor']);
      await runner.stop();
      await expect(runner.done).resolves.toBeUndefined();
    });

    it('and goes on with other jobs after a completion that came too late', async () => {
      const slow = slowHandler();
      await enqueue('a', 'b');
      run(slow.handle, { store: { heartbeat: () => Promise.reject(away) } });
      await clock.advance(leaseMs);
      expect((await claimAs('two'))!.id).toBe('a');
      slow.finish('a');
      await clock.settle();
      expect(slow.begun).toEqual(['a', 'b']);
      slow.finish('b');
      await clock.settle();
      expect(await sent()).toEqual(['b done']);
    });
  });

  describe('outlives a store that is away', () => {
    it('when it looks for jobs', async () => {
      let failures = 0;
      await enqueue('a');
      run(complete, {
        store: {
          async claim(request) {
            if (failures++ < 3) throw away;
            return state.jobs.claim(request);
          },
        },
      });
      await clock.advance(500 + 1000 + 2000);
      expect(await sent()).toEqual(['a done']);
    });

    it('when it completes: the work is not done again', async () => {
      let [handled, failures] = [0, 0];
      await enqueue('a');
      run(
        async (lease) => {
          handled += 1;
          return complete(lease);
        },
        {
          store: {
            async complete(...completion) {
              if (failures++ < 2) throw away;
              await state.jobs.complete(...completion);
            },
          },
        },
      );
      await clock.advance(10 * leaseMs);
      expect(await sent()).toEqual(['a done']);
      expect(handled).toBe(1);
    });

    it('when the answer to a completion is lost: it counts once', async () => {
      let [handled, lost] = [0, false];
      await enqueue('a', 'b');
      run(
        async (lease) => {
          handled += 1;
          return complete(lease);
        },
        {
          store: {
            async complete(...completion) {
              await state.jobs.complete(...completion);
              if (!lost) {
                lost = true;
                throw away;
              }
            },
          },
        },
      );
      await clock.advance(1000);
      expect(await sent()).toEqual(['a done', 'b done']);
      expect(handled).toBe(2);
    });

    it('but not one that is broken', async () => {
      const runner = run(complete, { store: { claim: () => Promise.reject(new LlambertError('disk_full', 'full')) } });
      await expect(runner.done).rejects.toMatchObject({ code: 'disk_full' });
    });
  });

  describe('a handler that fails', () => {
    it('for a passing reason has its job tried again, ever later', async () => {
      const begun: number[] = [];
      await enqueue('a');
      run(async (lease) => {
        begun.push(clock.now());
        if (begun.length < 4) throw new LlambertError('teacher_unreachable', 'away');
        return complete(lease);
      });
      await clock.advance(5000);
      expect(begun).toEqual([0, 500, 1500, 3500]);
      expect(await sent()).toEqual(['a done']);
    });

    it('for another reason ends the runner, once the other jobs in hand have been told and have ended', async () => {
      const slow = slowHandler();
      await enqueue('bad', 'slow');
      const runner = run(
        async (lease, signal) => {
          if (lease.id === 'slow') return slow.handle(lease, signal);
          throw new Error('a fault of ours');
        },
        { concurrency: 2 },
      );
      let ended = false;
      const rejected = expect(runner.done.finally(() => (ended = true))).rejects.toThrow('a fault of ours');
      await clock.settle();
      expect(slow.aborted).toEqual(['slow']);
      expect(ended).toBe(false);
      slow.finish('slow');
      await rejected;
      expect(await sent()).toEqual(['slow done']);
      // Whoever comes next need not wait for the lease to run out.
      expect(await claimAs('two')).toMatchObject({ id: 'bad', attempt: 2 });
    });

    it('by breaking off unasked has failed: it would be tried again without end', async () => {
      await enqueue('a');
      const runner = run(async () => {
        throw new LlambertError('cancelled', 'for no reason');
      });
      await expect(runner.done).rejects.toMatchObject({ code: 'cancelled' });
    });
  });

  describe('a stop', () => {
    it('lets a job that can be finished be finished', async () => {
      const slow = slowHandler();
      await enqueue('a', 'b');
      const runner = run(slow.handle);
      await clock.settle();
      const stopped = runner.stop();
      await clock.settle();
      expect(slow.aborted).toEqual(['a']);
      slow.finish('a');
      await stopped;
      await runner.done;
      expect(await sent()).toEqual(['a done']);
      expect(slow.begun).toEqual(['a']);
    });

    it('gives back a job that is broken off, for another owner to begin at once', async () => {
      await enqueue('a');
      const runner = run(untilAborted);
      await clock.settle();
      await runner.stop();
      await runner.stop();
      await runner.done;
      expect(await claimAs('two')).toMatchObject({ id: 'a' });
    });

    it('begins nothing that was being claimed, and gives it back', async () => {
      const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
      await enqueue('a');
      const runner = run(() => expect.fail('begun after the stop'), {
        store: {
          async claim(request) {
            await held;
            return state.jobs.claim(request);
          },
        },
      });
      const stopped = runner.stop();
      letGo();
      await stopped;
      await runner.done;
      expect(await counts()).toEqual({ waiting: 1, leased: 0, done: 0 });
    });

    it('does not wait for a store that stays away', async () => {
      await enqueue('a');
      const runner = run(complete, { store: { complete: () => Promise.reject(away), release: () => Promise.reject(away) } });
      await clock.advance(2000);
      await runner.stop();
      await runner.done;
      await clock.advance(2 * leaseMs);
      expect(await claimAs('two')).toMatchObject({ id: 'a' });
    });
  });
});
