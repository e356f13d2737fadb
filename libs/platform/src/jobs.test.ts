import { LlambertError } from '@llambert/domain';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { complete, leaseMs, openJobs, pollMs, slowHandler } from './jobs.fixture.ts';

const away = new LlambertError('store_unavailable', 'the store is away');

describe('runJobs', () => {
  let jobs: Awaited<ReturnType<typeof openJobs>>;
  beforeEach(async () => {
    jobs = await openJobs();
  });
  afterEach(() => jobs.close());

  describe('takes jobs', () => {
    it('and completes each once, with its events', async () => {
      const handled: string[] = [];
      await jobs.enqueue('a', 'b', 'c');
      jobs.run(async (lease) => {
        handled.push(lease.id);
        return complete(lease);
      });
      await jobs.clock.settle();
      expect(handled).toEqual(['a', 'b', 'c']);
      expect(await jobs.sent()).toEqual(['a done', 'b done', 'c done']);
      expect(await jobs.counts()).toEqual({ waiting: 0, leased: 0, done: 3 });
    });

    it('as many at once as it has hands, and the next as soon as one is free', async () => {
      const slow = slowHandler();
      await jobs.enqueue('a', 'b', 'c', 'd');
      jobs.run(slow.handle, { concurrency: 2 });
      await jobs.clock.settle();
      expect(slow.begun).toEqual(['a', 'b']);
      slow.finish('b');
      await jobs.clock.settle();
      expect(slow.begun).toEqual(['a', 'b', 'c']);
      for (const id of ['a', 'c', 'd']) {
        slow.finish(id);
        await jobs.clock.settle();
      }
      expect(await jobs.sent()).toEqual(['b done', 'a done', 'c done', 'd done']);
    });

    it('that were recorded meanwhile, at the next look', async () => {
      const slow = slowHandler();
      jobs.run(slow.handle);
      await jobs.clock.advance(pollMs / 2);
      await jobs.enqueue('a');
      await jobs.clock.advance(pollMs / 2);
      expect(slow.begun).toEqual(['a']);
      slow.finish('a');
    });

    it('again when a released one is due, and not before', async () => {
      const begun: number[] = [];
      await jobs.enqueue('a');
      jobs.run(async (lease) => {
        begun.push(jobs.clock.now());
        return begun.length < 3 ? { releaseAfterMs: 50 } : complete(lease);
      });
      await jobs.clock.advance(1000);
      expect(begun).toEqual([0, 50, 100]);
      expect(await jobs.counts()).toMatchObject({ done: 1 });
    });

    it('of an owner that died, when its lease has run out', async () => {
      await jobs.enqueue('a');
      await jobs.claimAs('dead');
      jobs.run(complete);
      await jobs.clock.advance(leaseMs - 1);
      expect(await jobs.sent()).toEqual([]);
      await jobs.clock.advance(1);
      expect(await jobs.sent()).toEqual(['a done']);
    });
  });

  describe('begins', () => {
    it('with what the former process of its name had in hand, without waiting for the leases to run out', async () => {
      await jobs.enqueue('a', 'b');
      await jobs.claimAs('one');
      await jobs.claimAs('two');
      jobs.run(complete, { owner: 'one' });
      await jobs.clock.settle();
      expect(await jobs.sent()).toEqual(['a done']);
    });

    it('also where the store is away at first', async () => {
      let failures = 0;
      await jobs.enqueue('a');
      await jobs.claimAs('one');
      jobs.run(complete, {
        store: {
          async relinquish(...former) {
            if (failures++ === 0) throw away;
            await jobs.state.jobs.relinquish(...former);
          },
        },
      });
      await jobs.clock.advance(500);
      expect(await jobs.sent()).toEqual(['a done']);
    });

    it('once: it does not take back what it has in hand itself', async () => {
      const slow = slowHandler();
      await jobs.enqueue('a');
      jobs.run(slow.handle, { concurrency: 2 });
      await jobs.clock.advance(10 * pollMs);
      expect(slow.begun).toEqual(['a']);
      slow.finish('a');
      await jobs.clock.settle();
      expect(await jobs.sent()).toEqual(['a done']);
    });
  });

  describe('a handler that fails', () => {
    it('for a passing reason has its job tried again, ever later', async () => {
      const begun: number[] = [];
      await jobs.enqueue('a');
      jobs.run(async (lease) => {
        begun.push(jobs.clock.now());
        if (begun.length < 4) throw new LlambertError('teacher_unreachable', 'away');
        return complete(lease);
      });
      await jobs.clock.advance(5000);
      expect(begun).toEqual([0, 500, 1500, 3500]);
      expect(await jobs.sent()).toEqual(['a done']);
      const retry = (failures: number, waitMs: number) => ({ what: 'the work job', reason: 'away', failures, waitMs });
      expect(jobs.retries).toEqual([retry(1, 500), retry(2, 1000), retry(3, 2000)]);
    });

    it('for another reason ends the runner, once the other jobs in hand have been told and have ended', async () => {
      const slow = slowHandler();
      await jobs.enqueue('bad', 'slow');
      const runner = jobs.run(
        async (lease, signal) => {
          if (lease.id === 'slow') return slow.handle(lease, signal);
          throw new Error('a fault of ours');
        },
        { concurrency: 2 },
      );
      let ended = false;
      const rejected = expect(runner.done.finally(() => (ended = true))).rejects.toThrow('a fault of ours');
      await jobs.clock.settle();
      expect(slow.aborted).toEqual(['slow']);
      expect(ended).toBe(false);
      slow.finish('slow');
      await rejected;
      expect(await jobs.sent()).toEqual(['slow done']);
      // Whoever comes next need not wait for the lease to run out.
      expect(await jobs.claimAs('two')).toMatchObject({ id: 'bad', attempt: 2 });
    });

    it('by breaking off unasked has failed: it would be tried again without end', async () => {
      await jobs.enqueue('a');
      const runner = jobs.run(async () => {
        throw new LlambertError('cancelled', 'for no reason');
      });
      await expect(runner.done).rejects.toMatchObject({ code: 'cancelled' });
    });
  });

  describe('a stop', () => {
    it('lets a job that can be finished be finished', async () => {
      const slow = slowHandler();
      await jobs.enqueue('a', 'b');
      const runner = jobs.run(slow.handle);
      await jobs.clock.settle();
      const stopped = runner.stop();
      await jobs.clock.settle();
      expect(slow.aborted).toEqual(['a']);
      slow.finish('a');
      await stopped;
      await runner.done;
      expect(await jobs.sent()).toEqual(['a done']);
      expect(slow.begun).toEqual(['a']);
    });

    it('gives back a job that is broken off, for another owner to begin at once', async () => {
      await jobs.enqueue('a');
      const runner = jobs.run(jobs.untilAborted);
      await jobs.clock.settle();
      await runner.stop();
      await runner.stop();
      await runner.done;
      expect(await jobs.claimAs('two')).toMatchObject({ id: 'a' });
    });

    it('begins nothing that was being claimed, and gives it back', async () => {
      const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
      await jobs.enqueue('a');
      const runner = jobs.run(() => expect.fail('begun after the stop'), {
        store: {
          async claim(request) {
            await held;
            return jobs.state.jobs.claim(request);
          },
        },
      });
      const stopped = runner.stop();
      letGo();
      await stopped;
      await runner.done;
      expect(await jobs.counts()).toEqual({ waiting: 1, leased: 0, done: 0 });
    });

    it('does not wait for a store that stays away', async () => {
      await jobs.enqueue('a');
      const runner = jobs.run(complete, { store: { complete: () => Promise.reject(away), release: () => Promise.reject(away) } });
      await jobs.clock.advance(2000);
      await runner.stop();
      await runner.done;
      await jobs.clock.advance(2 * leaseMs);
      expect(await jobs.claimAs('two')).toMatchObject({ id: 'a' });
    });
  });
});
