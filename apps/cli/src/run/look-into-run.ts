import { topicName } from '@llambert/contracts';
import type { Task } from '@llambert/domain';
import type { Reporter, StepProgress } from '../terminal/reporter.ts';
import { loopProgress } from './loop-progress.ts';
import { lookIntoRunFolder, loopPrefix, type RunReader } from './run-folder.ts';

/** The loop that a run is in or finished last, as the folder remembers it. */
export interface CurrentLoop {
  readonly loop: string;
  readonly task: Task;
}

/** How far a run has come: its step, and how much of it is done. */
export interface RunStanding extends Partial<StepProgress> {
  readonly task: string | null;
  readonly step: string;
}

/** Looks into the folder of a run from outside, while it is at work, after it was stopped, or when it is finished. Writes nothing. */
export async function lookIntoRun(folder: string): Promise<RunStanding> {
  const run = await lookIntoRunFolder(folder);
  try {
    return await standingOf(run);
  } finally {
    // What was read of a file that changed meanwhile may be wrong, and so may be the error about it.
    try {
      run.expectUnchanged();
    } finally {
      await run.close();
    }
  }
}

async function standingOf(run: RunReader): Promise<RunStanding> {
  const current = await run.ledger.run.recall('current');
  if (current === null || (await run.ledger.run.recall('ingested')) === null) return { task: null, step: 'reading' };
  const { loop, task } = JSON.parse(current) as CurrentLoop;
  if ((await run.ledger.run.recall('finished')) === loop) return { task: task.name, step: 'finished' };
  let standing: RunStanding = { task: task.name, step: 'learning' };
  const prefix = loopPrefix(loop);
  // The loop's state is there before its task is published.
  const [published = 0] = await run.eventLog.endOffsets(topicName(prefix, 'task.published')).catch(() => []);
  if (published === 0) return standing;
  const listener: Reporter = {
    step: (step) => {
      standing = { task: task.name, step };
    },
    progress: (progress) => {
      standing = { ...standing, ...progress };
    },
    notice() {},
    end() {},
  };
  await loopProgress(run, task, prefix, await run.openLoop(loop), listener).look();
  return standing;
}
