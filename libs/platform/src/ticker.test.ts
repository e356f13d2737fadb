import { type Clock, LlambertError, type Retry } from '@llambert/domain';
import { describe, expect, it } from 'vitest';
import { handClock } from './hand-clock.fixture.ts';
import { ticker } from './ticker.ts';

/** A ticker whose calls are noted by their time; `work` gets the number of the call, from 1. */
function ticking(work: (call: number, signal: AbortSignal, clock: Clock) => Promise<void> = async () => undefined) {
  const clock = handClock();
  const calls: number[] = [];
  const retries: Retry[] = [];
  const service = ticker({
    name: 'the work',
    onRetry: (retry) => retries.push(retry),
    clock,
    intervalMs: 100,
    work: async (signal) => {
      calls.push(clock.now());
      await work(calls.length, signal, clock);
    },
  });
  return { clock, calls, retries, service };
}

const away = new LlambertError('store_unavailable', 'the store is away');

describe('ticker', () => {
  it('works at once, and again after each rest, until stopped', async () => {
    const { clock, calls, service } = ticking();
    await clock.advance(250);
    await service.stop();
    await clock.advance(1000);
    await service.done;
    expect(calls).toEqual([0, 100, 200]);
  });

  it('rests after its work, not beside it', async () => {
    const { clock, calls, service } = ticking((_, __, time) => time.sleep(70));
    await clock.advance(400);
    expect(calls).toEqual([0, 170, 340]);
    await Promise.all([service.stop(), clock.advance(100)]);
  });

  it('has ended when its work has', async () => {
    const { promise: work, resolve: finish } = Promise.withResolvers<void>();
    let aborted = false;
    const { service } = ticking(async (_, signal) => {
      await work;
      aborted = signal.aborted;
    });
    const stopped = service.stop();
    finish();
    await stopped;
    expect(aborted).toBe(true);
  });

  it('waits longer from one passing failure to the next, and not after a success', async () => {
    const { clock, calls, retries, service } = ticking(async (call) => {
      if (call <= 3) throw away;
    });
    await clock.advance(500 + 1000 + 2000 + 100);
    await service.stop();
    expect(calls).toEqual([0, 500, 1500, 3500, 3600]);
    const retry = (failures: number, waitMs: number) => ({ what: 'the work', reason: away.message, failures, waitMs });
    expect(retries).toEqual([retry(1, 500), retry(2, 1000), retry(3, 2000)]);
  });

  it('ends with any other error', async () => {
    const { service } = ticking(async () => {
      throw new Error('broken');
    });
    await expect(service.done).rejects.toThrow('broken');
    await service.stop();
  });

  it('takes work that breaks off on a stop for stopped', async () => {
    const { clock, service } = ticking(async (_, signal, time) => {
      await time.sleep(1000, signal);
      signal.throwIfAborted();
    });
    await clock.settle();
    await service.stop();
    await expect(service.done).resolves.toBeUndefined();
  });
});
