import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { aRecord, readTopic, textOf } from './copy-records.ts';
import type { EventLogHarness } from './harness.ts';
import { eventLogSession, patience } from './session.ts';
import type { WorkerOptions } from './worker.ts';

const workerProgram = fileURLToPath(new URL('./worker.ts', import.meta.url));

/** When processes die: each record has its outputs exactly once, in order. */
export function crashSuite(createHarness: () => Promise<EventLogHarness>): void {
  describe('processes that die', () => {
    const session = eventLogSession(createHarness);
    let workers: ChildProcess[] = [];
    // Hooks that were set later run first, so nobody works on a log that is destroyed.
    afterEach(async () => {
      await Promise.all(workers.map(kill));
      workers = [];
    });

    const startWorker = (fault: WorkerOptions['fault'], maxBatch = 5) => {
      const options: WorkerOptions = { ...session.harness.elsewhere, maxBatch, fault };
      const worker = spawn(process.execPath, [workerProgram, JSON.stringify(options)], { stdio: ['pipe', 'pipe', 'inherit'] });
      workers.push(worker);
      return worker;
    };
    /** Records of 10 keys, every 20th of them poison. */
    const append = (from: number, count: number) =>
      session.log.append(
        Array.from({ length: count }, (_, index) => ({
          topic: 'in',
          record: aRecord(`key-${(from + index) % 10}`, index % 20 === 19 ? 'poison' : String(from + index)),
        })),
      );
    const outputs = async () =>
      (await session.log.endOffsets('out')).reduce((sum, end) => sum + end, 0) + (await session.log.endOffsets('dead'))[0]!;
    const untilCopied = (count: number) => vi.waitFor(async () => expect(await copiedSources()).toHaveLength(count), patience);
    const copiedSources = async () =>
      [...(await readTopic(session.log, 'out')), ...(await readTopic(session.log, 'dead'))].map((record) => record.headers['source']!);
    const expectExactlyOnce = async () => {
      const there = (await readTopic(session.log, 'in')).map(({ topic, partition, offset }) => `${topic}/${partition}/${offset}`);
      expect((await copiedSources()).sort()).toEqual(there.sort());
      const inOrder = new Map<string, number>();
      for (const record of await readTopic(session.log, 'out')) {
        expect(Number(textOf(record))).toBeGreaterThan(inOrder.get(record.key) ?? -1);
        inOrder.set(record.key, Number(textOf(record)));
      }
    };

    it('appends nothing for a batch whose process dies after the handler and before the commit, and hands it out again', async () => {
      await append(0, 40);
      for (let crash = 0; crash < 2; crash++) {
        await once(startWorker('die'), 'exit');
        expect(await outputs()).toBe(0);
        expect(await session.log.committedOffsets('copy', 'in')).toEqual([0, 0, 0, 0]);
      }
      startWorker(null);
      await untilCopied(40);
      await expectExactlyOnce();
    });

    it('has each record copied once, in order, however often its consumers are killed', async () => {
      let appended = 0;
      for (let crash = 0; crash < 6; crash++) {
        await append(appended, 500);
        appended += 500;
        const before = await outputs();
        const worker = startWorker(null, 1);
        // Killed in the midst of its work, wherever that happens to be.
        await vi.waitFor(async () => expect(await outputs()).toBeGreaterThan(before), { ...patience, interval: 1 });
        await kill(worker);
      }
      startWorker(null);
      startWorker(null);
      await untilCopied(appended);
      await expectExactlyOnce();
    });

    it("gives a dead member's partitions to the others", async () => {
      const dead = startWorker('block');
      await append(0, 40);
      await once(dead.stdout!, 'data');
      session.consume({ maxBatch: 5 });
      await kill(dead);
      await untilCopied(40);
      await expectExactlyOnce();
    });

    it('refuses the outputs of a member that comes back to life after its partitions were given away', async () => {
      const zombie = startWorker('block');
      await append(0, 40);
      await once(zombie.stdout!, 'data');
      const successor = session.consume({ maxBatch: 5 });
      await untilCopied(40);
      zombie.stdin!.write('\n');
      await successor.stop();
      // It goes on as an ordinary member.
      await append(40, 40);
      await untilCopied(80);
      await expectExactlyOnce();
    });
  });
}

async function kill(worker: ChildProcess): Promise<void> {
  if (worker.exitCode !== null || worker.signalCode !== null) return;
  const exited = once(worker, 'exit');
  worker.kill('SIGKILL');
  await exited;
}
