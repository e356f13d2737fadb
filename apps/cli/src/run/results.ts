import { labelSetOf, type Task } from '@llambert/domain';
import { type Summary, summarize } from '@llambert/review';
import { writeDoubted } from './doubted-file.ts';
import { copyModel, removeModel, writeAnnotations, writeDeadLetters, writeLabels, writeSummary } from './outputs.ts';
import type { RunFolder } from './run-folder.ts';

export interface LoopFacts {
  readonly task: Task;
  readonly prefix: string;
  readonly read: { readonly documents: number; readonly refused: number };
  /** Documents that had been labelled before this process began. */
  readonly labelledBefore: number;
  /** Milliseconds since 1970. */
  readonly begun: number;
  readonly readAt: number;
  readonly learnedAt: number;
  readonly labelledAt: number;
}

/** Writes everything a finished loop leaves for people: each file whole or not at all. */
export async function writeResults(run: RunFolder, state: Awaited<ReturnType<RunFolder['openLoop']>>, facts: LoopFacts): Promise<Summary> {
  const { task, prefix } = facts;
  const labels = labelSetOf(task.spec);
  const deployment = await state.gateway.deployment(task.name);
  const answers = await writeAnnotations(run, prefix);
  const deadLetters = await writeDeadLetters(run, prefix);
  const counts = await writeLabels(run, task.topics.predictions, labels.kind, labels.names);
  if (deployment === null) removeModel(run);
  else await copyModel(run, deployment.model);

  const closed = await state.gateway.roundsClosed(task.name);
  const seconds = {
    reading: (facts.readAt - facts.begun) / 1000,
    learning: (facts.learnedAt - facts.readAt) / 1000,
    labelling: (facts.labelledAt - facts.learnedAt) / 1000,
    total: (Date.now() - facts.begun) / 1000,
  };
  const evaluations = await state.gateway.evaluations(task.name);
  const doubts = evaluations.find((evaluation) => evaluation.model !== null && evaluation.model === deployment?.model)?.doubted ?? [];
  const listedDoubts = await writeDoubted(run, prefix, labels.kind, doubts);
  const model = deployment === null ? null : { digest: deployment.model, manifest: (await run.artifacts.open(deployment.model)).manifest };
  const summary = summarize({
    task,
    roundsEnd: closed?.end ?? null,
    documents: { read: facts.read.documents + facts.read.refused, deadLetters, ...counts },
    labelledNow: counts.labelled - facts.labelledBefore,
    answers,
    spend: await run.ledger.annotation.spend(task.name),
    model,
    evaluations,
    listedDoubts,
    earlierCertifications: model === null || model.manifest.dataset.certifyGold === 0 ? 0 : await earlierCertifications(run, prefix),
    seconds,
  });
  await writeSummary(run, summary);
  return summary;
}

/** Remembers that certify gold has judged this loop's models; returns how many other loops it has judged. */
async function earlierCertifications(run: RunFolder, loop: string): Promise<number> {
  const known = JSON.parse((await run.ledger.run.recall('certifications')) ?? '[]') as string[];
  const others = known.filter((name) => name !== loop);
  await run.ledger.run.replace('certifications', JSON.stringify([...others, loop]));
  return others.length;
}
