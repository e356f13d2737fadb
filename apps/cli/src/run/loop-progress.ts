import { annotateJobKind } from '@llambert/annotation';
import { inUsd, type Task } from '@llambert/domain';
import { passGroup } from '@llambert/inference';
import { livePass } from '@llambert/review';
import type { TrainingProgress } from '@llambert/training';
import type { Reporter } from '../terminal/reporter.ts';
import type { RunReader } from './run-folder.ts';

/** Where a loop is. `unlearned`: its rounds ended without a model; `done`: every document has been through the pass. */
export interface LoopPhase {
  readonly name: 'learning' | 'unlearned' | 'labelling' | 'done';
  /** Documents that the pass has been through. */
  readonly labelled: number;
  /** Whether samples wait for the teacher. */
  readonly asking?: boolean;
}

export interface LoopProgress {
  /** Looks at the state, tells the reporter, and says where the loop is. */
  look(): Promise<LoopPhase>;
  onTraining(progress: TrainingProgress): void;
}

/** Watches a loop from outside, through the stores and the committed offsets: what it shows survives a restart. */
export function loopProgress(
  run: Pick<RunReader, 'eventLog' | 'ledger'>,
  task: Task,
  prefix: string,
  state: Awaited<ReturnType<RunReader['openLoop']>>,
  reporter: Reporter,
): LoopProgress {
  let step = '';
  let training: TrainingProgress | null = null;
  const enter = (name: string) => {
    if (name !== step) reporter.step(name);
    step = name;
  };
  return {
    onTraining(progress) {
      training = progress;
    },
    async look() {
      const deployment = await state.gateway.deployment(task.name);
      const [total = 0] = await run.eventLog.endOffsets(task.topics.source);
      if (deployment !== null) {
        const [labelled = 0] = await run.eventLog.committedOffsets(passGroup(prefix, task.name, livePass), task.topics.source);
        enter('labelling');
        reporter.progress({ done: labelled, total, unit: 'documents' });
        return { name: labelled < total ? 'labelling' : 'done', labelled };
      }
      if (await isUnlearned(state, task.name)) return { name: 'unlearned', labelled: 0 };

      const asked = await state.jobs.counts(annotateJobKind(task.name), task.name);
      const open = asked.waiting + asked.leased;
      if (open === 0 && asked.done > 0 && training !== null) {
        enter('training');
        reporter.progress({
          done: Math.round(training.done * 100),
          total: 100,
          unit: '%',
          note: [training.step, training.detail].filter(Boolean).join(': '),
          isTimedByNote: true,
        });
      } else if (open > 0) {
        training = null;
        enter('annotating');
        const spend = await run.ledger.annotation.spend(task.name).catch(() => null);
        const isBound = spend !== null && spend.unmeasuredCost + spend.unknownCost > 0;
        const note = spend === null ? '' : `${isBound ? 'at most ' : ''}$${inUsd(spend.settled).toFixed(4)} of $${inUsd(spend.cap)}`;
        reporter.progress({ done: asked.done, total: asked.done + open, unit: 'samples', note });
      }
      return { name: 'learning', labelled: 0, asking: open > 0 };
    },
  };
}

async function isUnlearned(state: Awaited<ReturnType<RunReader['openLoop']>>, task: string): Promise<boolean> {
  const closed = await state.gateway.roundsClosed(task);
  if (closed === null) return false;
  const evaluations = await state.gateway.evaluations(task);
  return evaluations.length >= closed.rounds && evaluations.every((evaluation) => evaluation.model === null);
}
