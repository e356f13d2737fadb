/** Something that runs until it is stopped or fails. */
export interface Service {
  /** Finishes what is in hand and ends. Never rejects (`done` does) and may be called more than once. */
  stop(): Promise<void>;
  /** Resolves after `stop`; rejects when the service ended by an error. */
  readonly done: Promise<void>;
}

/** Several services as one: the first to fail stops the others, and `done` rejects with its error when all have ended. */
export function joinServices(parts: readonly Service[]): Service {
  const group = serviceGroup();
  for (const [index, part] of parts.entries()) group.add(String(index), () => part);
  return group;
}

/**
 * Services that come and go while their owner runs (one for each task, say). `add` starts one unless its name is taken or the group is
 * stopping. All stop at once, in no order: what a member says last may not be heard before the next start. The first to fail stops the
 * others, and `done` rejects with its error when all have ended.
 */
export function serviceGroup(): Service & { add(name: string, start: () => Service): void } {
  const members = new Map<string, Service>();
  const failures: unknown[] = [];
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  done.catch(() => undefined);
  let stopped: Promise<void> | undefined;
  const stopAll = async () => {
    await Promise.all([...members.values()].map((member) => member.stop()));
    if (failures.length > 0) reject(failures[0]);
    else resolve();
  };
  const stop = () => {
    stopped ??= stopAll();
    return stopped;
  };
  return {
    done,
    stop,
    add(name, start) {
      if (members.has(name) || stopped !== undefined) return;
      const member = start();
      members.set(name, member);
      member.done.catch((error: unknown) => {
        failures.push(error);
        void stop();
      });
    },
  };
}
