import { resolve, sep } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ReadOptions } from '@llambert/adapters/files';
import { defaultTaskTopics, encodeEvent, topicName } from '@llambert/contracts';
import { LlambertError, type OnRetry, type Task } from '@llambert/domain';
import type { Summary } from '@llambert/review';
import { leastRows } from '@llambert/training';
import type { Reporter } from '../terminal/reporter.ts';
import { retryNotices } from '../terminal/retry-notices.ts';
import { expectEnough } from './enough-documents.ts';
import { type FetchEncoder, prepareEncoder } from './fetch-encoder.ts';
import { type GoldFile, publishGold } from './gold.ts';
import { ingest } from './ingest.ts';
import type { CurrentLoop } from './look-into-run.ts';
import { createLoopTopics, startLoop } from './loop.ts';
import { loopProgress } from './loop-progress.ts';
import { writeAnnotations } from './outputs.ts';
import { patience } from './patience.ts';
import { writeResults } from './results.ts';
import { claimFolderFor, folderPrefix, giveUpClaim, loopName, loopPrefix, openRunFolder, type RunFolder } from './run-folder.ts';

export interface RunRequest {
  readonly task: Task;
  readonly gold: GoldFile;
  readonly inputs: readonly string[];
  readonly reading: Omit<ReadOptions, 'onNotice' | 'onProgress'>;
  readonly out: string;
  readonly apiKey: string | null;
  readonly fetchEncoder: FetchEncoder;
  /** Worker threads that classify; null: one for each core. */
  readonly workers: number | null;
  /** How long the teacher may be away before the run stops, in seconds. */
  readonly patienceSeconds: number;
}

/** Rest between two looks at how far the loop is, in milliseconds. */
const lookMs = 100;

/**
 * The whole loop on one machine: reads the input, publishes the task, lets the services work until every document is labelled (or
 * no model was possible), and writes the results. Whatever interrupts it, calling it again goes on from there.
 */
export async function runTask(request: RunRequest, reporter: Reporter, signal: AbortSignal): Promise<Summary> {
  expectOutside(request.out, request.inputs);
  await prepareEncoder(request.task.settings.student, request.fetchEncoder, signal);
  const onRetry = retryNotices(reporter, Date.now);
  const run = await openRunFolder(request.out, onRetry);
  try {
    const summary = await labelAll(run, request, { reporter, onRetry, signal });
    await run.close();
    return summary;
  } catch (error) {
    // A mistake in the command or the input must not stay behind: the corrected one begins anew.
    await ((await isWorthKeeping(run)) ? run.close() : run.discard());
    throw error;
  }
}

/** Whether the folder holds what it cost something to get: documents, more than can be read again at once, or a teacher's answers. */
async function isWorthKeeping(run: RunFolder): Promise<boolean> {
  const current = await run.ledger.run.recall('current');
  if (current === null) return false;
  const { task } = JSON.parse(current) as CurrentLoop;
  const [documents = 0] = await run.eventLog.endOffsets(task.topics.source).catch(() => []);
  if (documents >= leastRows) return true;
  const spend = await run.ledger.annotation.spend(task.name).catch(() => null);
  return documents > 0 && spend !== null;
}

async function labelAll(
  run: RunFolder,
  request: RunRequest,
  { reporter, onRetry, signal }: { reporter: Reporter; onRetry: OnRetry; signal: AbortSignal },
): Promise<Summary> {
  const begun = Date.now();
  const loop = await currentLoop(run, loopName(request.task, request.gold.digest));
  const prefix = loopPrefix(loop);
  const { source } = defaultTaskTopics(folderPrefix, request.task.name);
  const { predictions } = defaultTaskTopics(prefix, request.task.name);
  const task: Task = { ...request.task, topics: { source, predictions } };
  await claimFolderFor(run, task);
  const former = await run.ledger.run.recall('current');
  if (former !== null && (JSON.parse(former) as CurrentLoop).loop !== loop) {
    // What another loop had in flight when it was killed is nobody's to settle any more, and would take room under the cap for ever.
    await run.ledger.annotation.settleAbandoned(task.name, null);
  }
  await run.ledger.run.replace('current', JSON.stringify({ loop, task } satisfies CurrentLoop));
  const read = await ingest(run, { inputs: request.inputs, options: request.reading, source }, reporter, signal);
  expectEnough(task, request.gold, read.documents);
  const readAt = Date.now();

  await createLoopTopics(run, task, prefix);
  await publishGold(run, task, prefix, request.gold, reporter);
  const [published = 0] = await run.eventLog.endOffsets(topicName(prefix, 'task.published'));
  const state = await run.openLoop(loop, { mustExist: published > 0 });
  await run.eventLog.append([
    {
      topic: topicName(prefix, 'task.published'),
      record: encodeEvent({ id: `task.published:${loop}`, name: 'task.published', key: task.name, body: task }),
    },
  ]);
  const progress = loopProgress(run, task, prefix, state, reporter);
  const trouble = patience(request.patienceSeconds, reporter, Date.now);
  const services = startLoop(run, {
    task,
    prefix,
    state,
    apiKey: request.apiKey,
    workers: request.workers,
    fetchEncoder: request.fetchEncoder,
    onTraining: progress.onTraining,
    onOutcome: trouble.onOutcome,
    onRetry,
    onNotice: reporter.notice,
  });
  const troubled = new AbortController();
  for (const end of [services.done, trouble.exhausted]) end.catch((error: unknown) => troubled.abort(error));
  let phase = await progress.look();
  const labelledBefore = phase.labelled;
  let learnedAt = readAt;
  try {
    while (phase.name === 'learning' || phase.name === 'labelling') {
      await delay(lookMs, undefined, { signal: troubled.signal }).catch(() => undefined);
      troubled.signal.throwIfAborted();
      if (signal.aborted) throw new LlambertError('cancelled', 'stopped: the same command goes on from here');
      phase = await progress.look();
      if (phase.name === 'learning') learnedAt = Date.now();
      if (phase.asking) trouble.look();
    }
  } catch (error) {
    await services.stop();
    throw error instanceof LlambertError && error.code === 'teacher_unusable' ? await withWhatWasSaid(run, prefix, error) : error;
  }
  await services.stop();
  reporter.step('writing');
  const summary = await writeResults(run, state, { task, prefix, read, labelledBefore, begun, readAt, learnedAt, labelledAt: Date.now() });
  await run.ledger.run.replace('finished', loop);
  if (summary.outcome === 'no model') await run.ledger.run.replace(`next:${loop}`, 'again');
  return summary;
}

/** Leaves the useless answers for people to look at: the message must not hold what a teacher may have quoted. */
async function withWhatWasSaid(run: RunFolder, prefix: string, error: LlambertError): Promise<LlambertError> {
  await writeAnnotations(run, prefix);
  await giveUpClaim(run);
  return new LlambertError(error.code, `${error.message}. What it said stands in ${run.paths.annotations}`, {
    facts: error.facts,
    cause: error,
  });
}

/** Name of the loop to go on with. One that ended without a model is over: the same command tries anew, with the answers that are known. */
async function currentLoop(run: RunFolder, name: string): Promise<string> {
  let loop = name;
  for (let attempt = 2; (await run.ledger.run.recall(`next:${loop}`)) !== null; attempt++) loop = `${name}-${attempt}`;
  return loop;
}

/** Refuses an output folder inside an input folder: the next run would take its files for documents. */
function expectOutside(out: string, inputs: readonly string[]): void {
  const around = inputs.find((input) => input !== '-' && `${resolve(out)}${sep}`.startsWith(`${resolve(input)}${sep}`));
  if (around === undefined) return;
  throw new LlambertError(
    'invalid_input',
    `--out ${out} is inside the input ${around}: its files would be read as documents. Choose a folder outside`,
  );
}
