import type { JobStore, NewJob } from '@llambert/domain';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { anEvent } from './builders/events.ts';
import type { OpenedState, StateHarness } from './state-harness.ts';

const job = (id: string, changes: Partial<NewJob> = {}): NewJob => ({
  kind: 'work',
  id,
  scope: 'task',
  payload: `{"id":"${id}"}`,
  ...changes,
});
const claimOne = async (jobs: JobStore, owner: string, now: number) =>
  (await jobs.claim({ kind: 'work', owner, limit: 1, leaseMs: 100, now }))[0];

/** What leased jobs and the outbox promise, for every adapter of the two ports. */
export function jobStoreConformance(name: string, createHarness: () => Promise<StateHarness>): void {
  describe(`${name}: leased jobs and outbox`, () => {
    let harness: StateHarness;
    let state: OpenedState;
    beforeEach(async () => {
      harness = await createHarness();
      state = await harness.open();
    });
    afterEach(() => harness.destroy());

    it('hands each job to one owner, in the order of recording, recorded once however often it is said', async () => {
      await state.jobs.enqueue([job('b'), job('a')]);
      await state.jobs.enqueue([job('a', { payload: 'other' }), job('c')]);
      const first = await state.jobs.claim({ kind: 'work', owner: 'one', limit: 2, leaseMs: 100, now: 0 });
      const second = await state.jobs.claim({ kind: 'work', owner: 'two', limit: 5, leaseMs: 100, now: 0 });
      expect(first.map((lease) => lease.id)).toEqual(['b', 'a']);
      expect(first[1]!.payload).toBe('{"id":"a"}');
      expect(second.map((lease) => lease.id)).toEqual(['c']);
      expect(await state.jobs.counts('work', 'task')).toEqual({ waiting: 0, leased: 3, done: 0 });
    });

    it('keeps kinds apart', async () => {
      await state.jobs.enqueue([job('a'), job('a', { kind: 'other' })]);
      expect(await state.jobs.claim({ kind: 'other', owner: 'one', limit: 5, leaseMs: 100, now: 0 })).toHaveLength(1);
      expect(await state.jobs.counts('work', 'task')).toEqual({ waiting: 1, leased: 0, done: 0 });
    });

    it('gives a job to another owner when its lease has run out, and refuses the first owner from then on', async () => {
      await state.jobs.enqueue([job('a')]);
      const zombie = (await claimOne(state.jobs, 'one', 0))!;
      expect(await claimOne(state.jobs, 'two', 99)).toBeUndefined();
      const successor = (await claimOne(state.jobs, 'two', 100))!;
      expect(successor.token).toBeGreaterThan(zombie.token);
      expect(successor.attempt).toBe(2);
      await expect(state.jobs.heartbeat(zombie, 100, 101)).rejects.toMatchObject({ code: 'stale_lease' });
      await expect(state.jobs.release(zombie, 101)).rejects.toMatchObject({ code: 'stale_lease' });
      await expect(state.jobs.complete(zombie, [anEvent('zombie')])).rejects.toMatchObject({ code: 'stale_lease' });
      expect(await state.outbox.pendingEvents(10)).toEqual([]);
      await state.jobs.complete(successor, [anEvent('done')]);
      expect((await state.outbox.pendingEvents(10)).map((event) => event.id)).toEqual(['done']);
    });

    it('holds a job as long as its heart beats', async () => {
      await state.jobs.enqueue([job('a')]);
      const lease = (await claimOne(state.jobs, 'one', 0))!;
      await state.jobs.heartbeat(lease, 100, 90);
      expect(await claimOne(state.jobs, 'two', 150)).toBeUndefined();
      expect(await state.jobs.nextDue('work')).toBe(190);
    });

    it('lets one of two owners that race over two connections have each job', async () => {
      const other = await harness.open();
      await state.jobs.enqueue(Array.from({ length: 40 }, (_, index) => job(`job-${index}`)));
      const take = async (jobs: JobStore, owner: string) => {
        const taken: string[] = [];
        for (let round = 0; round < 40; round++) {
          const lease = await claimOne(jobs, owner, 0);
          if (lease !== undefined) taken.push(lease.id);
        }
        return taken;
      };
      const [one, two] = await Promise.all([take(state.jobs, 'one'), take(other.jobs, 'two')]);
      expect([...one, ...two].sort()).toEqual(Array.from({ length: 40 }, (_, index) => `job-${index}`).sort());
    });

    it('gives back what an owner holds, of one kind, and refuses that owner from then on', async () => {
      await state.jobs.enqueue([job('a'), job('b'), job('c'), job('a', { kind: 'other' })]);
      const former = (await claimOne(state.jobs, 'one', 0))!;
      const others = (await claimOne(state.jobs, 'two', 0))!;
      await state.jobs.claim({ kind: 'other', owner: 'one', limit: 1, leaseMs: 100, now: 0 });
      await state.jobs.relinquish('work', 'one');
      expect(await state.jobs.counts('work', 'task')).toEqual({ waiting: 2, leased: 1, done: 0 });
      expect(await state.jobs.counts('other', 'task')).toEqual({ waiting: 0, leased: 1, done: 0 });
      await expect(state.jobs.complete(former, [])).rejects.toMatchObject({ code: 'stale_lease' });
      expect((await claimOne(state.jobs, 'one', 1))?.id).toBe('a');
      await state.jobs.complete(others, []);
    });

    it('gives a released job out again when it is due', async () => {
      await state.jobs.enqueue([job('a')]);
      await state.jobs.release((await claimOne(state.jobs, 'one', 0))!, 500);
      expect(await claimOne(state.jobs, 'two', 499)).toBeUndefined();
      expect(await state.jobs.nextDue('work')).toBe(500);
      expect(await claimOne(state.jobs, 'two', 500)).toMatchObject({ id: 'a', attempt: 2 });
    });

    it('never gives out a job that is done, not even when it is recorded again', async () => {
      await state.jobs.enqueue([job('a')]);
      await state.jobs.complete((await claimOne(state.jobs, 'one', 0))!, []);
      await state.jobs.enqueue([job('a')]);
      expect(await claimOne(state.jobs, 'one', 10_000)).toBeUndefined();
      expect(await state.jobs.nextDue('work')).toBeNull();
      expect(await state.jobs.counts('work', 'task')).toEqual({ waiting: 0, leased: 0, done: 1 });
    });

    it('survives a crash between completing a job and sending its events', async () => {
      await state.jobs.enqueue([job('a')]);
      await state.jobs.complete((await claimOne(state.jobs, 'one', 0))!, [anEvent('1'), anEvent('2')]);
      const restarted = await harness.open();
      const pending = await restarted.outbox.pendingEvents(10);
      expect(pending).toEqual([anEvent('1'), anEvent('2')]);
      // The crash came after the append and before the mark: they are sent again, under the same ids.
      expect((await state.outbox.pendingEvents(10)).map((event) => event.id)).toEqual(['1', '2']);
      await restarted.outbox.markSent(['1', '2']);
      expect(await state.outbox.pendingEvents(10)).toEqual([]);
    });

    it('puts an event once, also when it was sent before, and keeps the order', async () => {
      await state.jobs.enqueue([job('a'), job('b')]);
      await state.jobs.complete((await claimOne(state.jobs, 'one', 0))!, [anEvent('2'), anEvent('1')]);
      expect((await state.outbox.pendingEvents(1)).map((event) => event.id)).toEqual(['2']);
      await state.outbox.markSent(['2']);
      await state.jobs.complete((await claimOne(state.jobs, 'one', 0))!, [anEvent('2'), anEvent('3')]);
      expect((await state.outbox.pendingEvents(10)).map((event) => event.id)).toEqual(['1', '3']);
    });
  });
}
