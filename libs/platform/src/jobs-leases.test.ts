import { LlambertError } from '@llambert/domain';
import { anEvent } from '@llambert/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { complete, leaseMs, openJobs, slowHandler } from './jobs.fixture.ts';

const away = new LlambertError('store_unavailable', 'the store is away');

describe('leases of runJobs', () => {
  let jobs: Awaited<ReturnType<typeof openJobs>>;
  beforeEach(async () => {
    jobs = await openJobs();
  });
  afterEach(() => jobs.close());

  describe('holds its leases', () => {
    it('as long as the work takes, so that no other owner begins it', async () => {
      const [slow, other] = [slowHandler(), slowHandler()];
      await jobs.enqueue('a');
      jobs.run(slow.handle);
      await jobs.clock.settle();
      jobs.run(other.handle, { owner: 'two' });
      await jobs.clock.advance(10 * leaseMs);
      expect(other.begun).toEqual([]);
      slow.finish('a');
      await jobs.clock.settle();
      expect(await jobs.sent()).toEqual(['a done']);
    });

    it('through an outage that is shorter than they are', async () => {
      const slow = slowHandler();
      let failures = 0;
      await jobs.enqueue('a');
      jobs.run(slow.handle, {
        store: {
          async heartbeat(...beat) {
            if (failures++ < 2) throw away;
            await jobs.state.jobs.heartbeat(...beat);
          },
        },
      });
      await jobs.clock.advance(leaseMs - 1);
      expect(slow.aborted).toEqual([]);
      await jobs.clock.advance(leaseMs);
      expect(await jobs.claimAs('two')).toBeUndefined();
      slow.finish('a');
      await jobs.clock.settle();
      expect(await jobs.sent()).toEqual(['a done']);
    });

    it('and tells the handler to break off when one is lost; nothing that it then says counts', async () => {
      const slow = slowHandler();
      const heartbeat = { beats: false };
      await jobs.enqueue('a');
      const runner = jobs.run(slow.handle, {
        store: {
          async heartbeat(...beat) {
            if (!heartbeat.beats) throw away;
            await jobs.state.jobs.heartbeat(...beat);
          },
        },
      });
      await jobs.clock.advance(leaseMs);
      const successor = (await jobs.claimAs('two'))!;
      heartbeat.beats = true;
      await jobs.clock.advance(leaseMs / 3);
      expect(slow.aborted).toEqual(['a']);
      slow.finish('a', [anEvent('zombie')]);
      await jobs.clock.settle();
      await jobs.state.jobs.complete(successor, [anEvent('successor')]);
      expect(await jobs.sent()).toEqual(['successor']);
      await runner.stop();
      await expect(runner.done).resolves.toBeUndefined();
    });

    it('and goes on with other jobs after a completion that came too late', async () => {
      const slow = slowHandler();
      await jobs.enqueue('a', 'b');
      jobs.run(slow.handle, { store: { heartbeat: () => Promise.reject(away) } });
      await jobs.clock.advance(leaseMs);
      expect((await jobs.claimAs('two'))!.id).toBe('a');
      slow.finish('a');
      await jobs.clock.settle();
      expect(slow.begun).toEqual(['a', 'b']);
      slow.finish('b');
      await jobs.clock.settle();
      expect(await jobs.sent()).toEqual(['b done']);
    });
  });

  describe('outlives a store that is away', () => {
    it('when it looks for jobs', async () => {
      let failures = 0;
      await jobs.enqueue('a');
      jobs.run(complete, {
        store: {
          async claim(request) {
            if (failures++ < 3) throw away;
            return jobs.state.jobs.claim(request);
          },
        },
      });
      await jobs.clock.advance(500 + 1000 + 2000);
      expect(await jobs.sent()).toEqual(['a done']);
      const retry = (count: number, waitMs: number) => ({ what: 'looking for work jobs', reason: away.message, failures: count, waitMs });
      expect(jobs.retries).toEqual([retry(1, 500), retry(2, 1000), retry(3, 2000)]);
    });

    it('when it completes: the work is not done again', async () => {
      let [handled, failures] = [0, 0];
      await jobs.enqueue('a');
      jobs.run(
        async (lease) => {
          handled += 1;
          return complete(lease);
        },
        {
          store: {
            async complete(...completion) {
              if (failures++ < 2) throw away;
              await jobs.state.jobs.complete(...completion);
            },
          },
        },
      );
      await jobs.clock.advance(10 * leaseMs);
      expect(await jobs.sent()).toEqual(['a done']);
      expect(handled).toBe(1);
      expect(jobs.retries.map(({ what, waitMs }) => [what, waitMs])).toEqual([
        ['recording the end of the work job', 500],
        ['recording the end of the work job', 1000],
      ]);
    });

    it('when the answer to a completion is lost: it counts once', async () => {
      let [handled, lost] = [0, false];
      await jobs.enqueue('a', 'b');
      jobs.run(
        async (lease) => {
          handled += 1;
          return complete(lease);
        },
        {
          store: {
            async complete(...completion) {
              await jobs.state.jobs.complete(...completion);
              if (!lost) {
                lost = true;
                throw away;
              }
            },
          },
        },
      );
      await jobs.clock.advance(1000);
      expect(await jobs.sent()).toEqual(['a done', 'b done']);
      expect(handled).toBe(2);
    });

    it('but not one that is broken', async () => {
      const runner = jobs.run(complete, { store: { claim: () => Promise.reject(new LlambertError('disk_full', 'full')) } });
      await expect(runner.done).rejects.toMatchObject({ code: 'disk_full' });
    });
  });
});
