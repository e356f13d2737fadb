import { stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { type ReadItem, type ReadOptions, readDocuments } from '@llambert/adapters/files';
import { deadLetterTopic, decodeDeadLetter, encodeDeadLetter, encodeDocument } from '@llambert/contracts';
import { canonicalJson, LlambertError, type RecordToAppend } from '@llambert/domain';
import { megabytesTo, type Reporter } from '../terminal/reporter.ts';
import { folderPrefix, type RunFolder } from './run-folder.ts';

/** Who refuses records on their way in. */
const ingestName = 'ingest';

/** Where records that are no documents go. They belong to the folder: every loop in it has the same input. */
export const refusedTopic = deadLetterTopic(folderPrefix, ingestName);

export interface IngestRequest {
  readonly inputs: readonly string[];
  readonly options: Omit<ReadOptions, 'onNotice' | 'onProgress'>;
  /** Topic the documents go to. */
  readonly source: string;
}

export interface Ingested {
  readonly documents: number;
  readonly refused: number;
}

/**
 * Reads the input into the source topic, once in the life of the folder. Each item read becomes one record, of the source or of the
 * dead letters, and a batch's records are appended all or none, so that the end offsets say how far an interrupted reading came.
 */
export async function ingest(run: RunFolder, request: IngestRequest, reporter: Reporter, signal: AbortSignal): Promise<Ingested> {
  await run.eventLog.createTopics([
    { name: request.source, partitions: 1, retention: 'keep' },
    { name: refusedTopic, partitions: 1, retention: 'keep' },
  ]);
  await claimFolderForInput(run, request);
  const count = async () => ({
    documents: (await run.eventLog.endOffsets(request.source))[0]!,
    refused: (await run.eventLog.endOffsets(refusedTopic))[0]!,
  });
  const ingested = await run.ledger.run.recall('ingested');
  if (ingested !== null) {
    const found = await count();
    if (found.documents !== (JSON.parse(ingested) as Ingested).documents) throw missingState(run, 'events.db', found.documents);
    await noticeChanges(run, request, reporter);
    return found;
  }

  reporter.step('reading');
  const before = await count();
  let skip = before.documents + before.refused;
  const reading = readDocuments(request.inputs, {
    ...request.options,
    onNotice: reporter.notice,
    onProgress: megabytesTo(reporter),
  });
  for await (const items of reading) {
    if (signal.aborted) throw new LlambertError('cancelled', 'reading was stopped');
    const fresh = items.slice(Math.min(skip, items.length));
    skip -= items.length - fresh.length;
    if (fresh.length > 0) await run.eventLog.append(fresh.map((item) => recordOf(item, request.source)));
  }
  const after = await count();
  if (after.documents === 0) {
    throw new LlambertError(
      'invalid_input',
      `none of the ${after.refused} records of ${request.inputs.join(', ')} could be used as a document: ${await firstRefusals(run)}`,
    );
  }
  await run.ledger.run.remember('columns', JSON.stringify(reading.columns()));
  await run.ledger.run.remember('read', JSON.stringify(await inputTimes(request.inputs)));
  await run.ledger.run.remember('ingested', JSON.stringify(after));
  return after;
}

/** The folder remembers more than is in it: going on would take what is missing for work that was done. */
function missingState(run: RunFolder, file: string, documents: number): LlambertError {
  return new LlambertError(
    'corrupt_artifact',
    `${join(run.paths.state, file)} is not the one this run wrote (${documents} documents in it): put it back, or begin anew in another folder (--out)`,
    { facts: { file } },
  );
}

/** When each input was last changed, in milliseconds since 1970; null for standard input and folders. */
async function inputTimes(inputs: readonly string[]): Promise<Record<string, number | null>> {
  const times = inputs.map(async (input) => {
    const found = input === '-' ? null : await stat(input).catch(() => null);
    return [input === '-' ? '-' : resolve(input), found === null || found.isDirectory() ? null : found.mtimeMs] as const;
  });
  return Object.fromEntries(await Promise.all(times));
}

/** The documents are in the folder and the input is not read again: what has changed there since is not in the labels. */
async function noticeChanges(run: RunFolder, request: IngestRequest, reporter: Reporter): Promise<void> {
  if (request.inputs.includes('-'))
    reporter.notice('the documents are in the folder since the first run: standard input is not read again');
  const read = JSON.parse((await run.ledger.run.recall('read')) ?? '{}') as Record<string, number | null>;
  for (const [file, changed] of Object.entries(await inputTimes(request.inputs))) {
    if (changed === null || read[file] === undefined || read[file] === changed) continue;
    reporter.notice(
      `${file} was written to since this folder read it; the labels are of what was read then. For its new content choose another --out`,
    );
  }
}

function recordOf(item: ReadItem, source: string): RecordToAppend {
  if (item.kind === 'document') return { topic: source, record: encodeDocument(item.document) };
  return {
    topic: refusedTopic,
    record: encodeDeadLetter({
      service: ingestName,
      reason: item.reason,
      message: item.message,
      position: `${item.position.file}:${item.position.line}`,
      documentId: item.id ?? null,
      record: item.record,
    }),
  };
}

/** A folder holds the labels of one input; going on with another would mix them. */
async function claimFolderForInput(run: RunFolder, request: IngestRequest): Promise<void> {
  const files = await Promise.all(
    request.inputs.map(async (input) => {
      if (input === '-') return { path: '-', bytes: 0 };
      const found = await stat(input).catch(() => null);
      return { path: resolve(input), bytes: found === null || found.isDirectory() ? 0 : found.size };
    }),
  );
  const { stdin: _, ...settings } = request.options;
  const identity = canonicalJson({ files, settings });
  const known = await run.ledger.run.remember('input', identity);
  if (known === identity) return;
  const { files: other } = JSON.parse(known) as { files: { path: string; bytes: number }[] };
  const names = other.map((file) => `${basename(file.path)} (${file.bytes} bytes)`).join(', ');
  throw new LlambertError(
    'conflict',
    `${run.paths.folder} was begun with other input (${names}) or other reading options: give this run a folder of its own (--out)`,
  );
}

/** Why the first records were refused, for the message that none could be used. */
async function firstRefusals(run: RunFolder): Promise<string> {
  for await (const batch of run.eventLog.read(refusedTopic, 0, 0)) {
    return batch
      .slice(0, 3)
      .map((record) => {
        const letter = decodeDeadLetter(record);
        return `${letter.position} ${letter.message}`;
      })
      .join('; ');
  }
  return 'it holds no records';
}
