import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Measurement } from './measurement.ts';

/** A program that labels, in a process of its own. */
export interface Program {
  readonly name: string;
  label(texts: readonly string[]): Promise<Measurement>;
  close(): void;
}

/**
 * Starts a script of this folder that calls `serve`. Resolves when it is ready to label; throws where it ends, then and later.
 * @param script relative to this folder
 */
export async function startProgram(name: string, script: string, args: readonly string[]): Promise<Program> {
  // The figures are per core: our tokenizer spreads over all of them otherwise.
  const env = { ...process.env, TOKENIZERS_PARALLELISM: 'false' };
  const child = fork(join(import.meta.dirname, script), args, { env, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const ended = once(child, 'exit').then(([code]): never => {
    throw new Error(`${name} ended with exit code ${code}`);
  });
  // Whoever waits for an answer hears of it.
  ended.catch(() => {});
  const answer = () => Promise.race([once(child, 'message').then(([message]) => message), ended]);
  await answer();
  return {
    name,
    async label(texts) {
      const coming = answer();
      child.send(texts);
      return coming;
    },
    close: () => void child.kill(),
  };
}

/** The other side: labels the texts of each message and answers with what it took. */
export function serve(label: (texts: readonly string[]) => Promise<number[]>): void {
  process.on('message', async (texts: readonly string[]) => {
    const before = process.cpuUsage();
    const logOdds = await label(texts);
    const { user, system } = process.cpuUsage(before);
    process.send!({ cpuSeconds: (user + system) / 1e6, logOdds } satisfies Measurement);
  });
  process.send!('ready');
}
