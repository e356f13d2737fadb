import { describe, expect, it } from 'vitest';
import { joinServices, type Service, serviceGroup } from './service.ts';

/** A service that ends when it is told to and says what happens to it. */
function aService(name: string, said: string[] = [], whenStopped: Promise<void> = Promise.resolve()) {
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  done.catch(() => undefined);
  const service: Service = {
    done,
    async stop() {
      said.push(`${name} stops`);
      await whenStopped;
      said.push(`${name} ended`);
      resolve();
    },
  };
  return { service, fail: (error: Error) => reject(error) };
}

describe('joinServices', () => {
  it('runs until it is stopped, and has ended when all parts have', async () => {
    const said: string[] = [];
    const { promise: slow, resolve: finish } = Promise.withResolvers<void>();
    const joined = joinServices([aService('one', said, slow).service, aService('two', said).service]);
    const stopped = joined.stop().then(() => said.push('stopped'));
    await Promise.resolve();
    finish();
    await stopped;
    await joined.done;
    expect(said).toEqual(['one stops', 'two stops', 'two ended', 'one ended', 'stopped']);
  });

  it('stops each part once, however often it is told to', async () => {
    const said: string[] = [];
    const joined = joinServices([aService('one', said).service]);
    await Promise.all([joined.stop(), joined.stop()]);
    await joined.stop();
    expect(said).toEqual(['one stops', 'one ended']);
  });

  it('stops the others when one fails, and rejects with its error after they have ended', async () => {
    const said: string[] = [];
    const { promise: slow, resolve: finish } = Promise.withResolvers<void>();
    const one = aService('one');
    const joined = joinServices([one.service, aService('two', said, slow).service]);
    const rejected = joined.done.catch((error: Error) => said.push(error.message));
    one.fail(new Error('broken'));
    await new Promise(setImmediate);
    expect(said).toEqual(['two stops']);
    finish();
    await rejected;
    expect(said).toEqual(['two stops', 'two ended', 'broken']);
  });

  it('rejects with the first of several errors', async () => {
    const [one, two] = [aService('one'), aService('two')];
    const joined = joinServices([one.service, two.service]);
    one.fail(new Error('first'));
    two.fail(new Error('second'));
    await expect(joined.done).rejects.toThrow('first');
  });

  it('rejects when a part fails while it is being stopped', async () => {
    const { promise: slow, resolve: finish } = Promise.withResolvers<void>();
    const one = aService('one', [], slow);
    const joined = joinServices([one.service]);
    const stopped = joined.stop();
    one.fail(new Error('broken'));
    finish();
    await stopped;
    await expect(joined.done).rejects.toThrow('broken');
  });
});

describe('serviceGroup', () => {
  it('starts one service a name', async () => {
    const started: string[] = [];
    const group = serviceGroup();
    for (const name of ['a', 'b', 'a']) {
      group.add(name, () => {
        started.push(name);
        return aService(name).service;
      });
    }
    await group.stop();
    expect(started).toEqual(['a', 'b']);
  });

  it('starts nothing that nobody would stop: not while it stops, not after a failure', async () => {
    const stopping = serviceGroup();
    const stopped = stopping.stop();
    stopping.add('late', () => expect.fail('started while stopping'));
    await stopped;
    stopping.add('late', () => expect.fail('started after the stop'));

    const failing = serviceGroup();
    const one = aService('one');
    failing.add('one', () => one.service);
    one.fail(new Error('broken'));
    await expect(failing.done).rejects.toThrow('broken');
    failing.add('late', () => expect.fail('started after a failure'));
  });

  it('lets whoever adds see that a service cannot start', () => {
    const start = () => {
      throw new Error('no such topic');
    };
    expect(() => serviceGroup().add('one', start)).toThrow('no such topic');
  });
});
