import { existsSync, readFileSync, rmSync } from 'node:fs';
import { writeRows } from '@llambert/adapters/files';
import { decodeEvent, topicName } from '@llambert/contracts';
import { type Document, type Doubt, type LabelKind, LlambertError } from '@llambert/domain';
import { type RunFolder, runPaths } from './run-folder.ts';

/**
 * Writes `doubted.jsonl`: the teacher's labels that are likely wrong, the most doubtful first, with the texts, for a person to look at.
 * Takes away what another loop left where there are none. Returns how many.
 */
export async function writeDoubted(run: RunFolder, prefix: string, kind: LabelKind, doubted: readonly Doubt[]): Promise<number> {
  if (doubted.length === 0) {
    rmSync(run.paths.doubted, { force: true });
    return 0;
  }
  const wanted = new Set(doubted.map(({ documentId }) => documentId));
  const documents = new Map<string, Document>();
  for await (const batch of run.eventLog.read(topicName(prefix, 'sample.drawn'), 0, 0)) {
    for (const record of batch) {
      const { document } = decodeEvent('sample.drawn', record);
      if (wanted.has(document.id)) documents.set(document.id, document);
    }
  }
  const rows = doubted.flatMap((doubt) => {
    const document = documents.get(doubt.documentId);
    return document === undefined ? [] : [doubtedRow(doubt, document, kind)];
  });
  await writeRows(run.paths.doubted, 'jsonl', null, rows);
  return rows.length;
}

function doubtedRow({ labels, suggested, probability }: Doubt, { id, text, textPair }: Document, kind: LabelKind): Record<string, unknown> {
  const said = kind === 'single' ? { label: labels[0], suggested: suggested[0] } : { labels, suggested };
  return { id, text, ...(textPair === undefined ? {} : { textPair }), ...said, probability };
}

/**
 * The documents of a run's `doubted.jsonl`, the most doubtful first.
 * @param known the task's labels
 * @throws LlambertError `not_found` where there is none, `invalid_input` where it holds something else, or labels of another task
 */
export function readDoubted(folder: string, known: readonly string[]): Document[] {
  const file = runPaths(folder).doubted;
  if (!existsSync(file)) {
    throw new LlambertError(
      'not_found',
      `${file} is not there: a finished run leaves it where student.likelyWrong says to look for wrong labels and some were found`,
    );
  }
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.flatMap((line, at) => (line === '' ? [] : [documentOf(line, `${file}:${at + 1}`, known)]));
}

function documentOf(line: string, place: string, known: readonly string[]): Document {
  const { id, text, textPair, label, labels = label === undefined ? [] : [label] } = parsed(line);
  if (typeof id !== 'string' || typeof text !== 'string' || !Array.isArray(labels)) {
    throw new LlambertError('invalid_input', `${place} is no line that a run wrote: {"id", "text", …}`);
  }
  const strange = labels.filter((each) => !known.includes(each));
  if (strange.length > 0) {
    const [names, own] = [strange, known].map((some) => some.map((each) => JSON.stringify(each)).join(', '));
    throw new LlambertError(
      'invalid_input',
      `${place} has a label that the task does not have: ${names}. The task's are ${own}: is it another task's run?`,
    );
  }
  return { id, text, ...(typeof textPair === 'string' ? { textPair } : {}), metadata: {} };
}

function parsed(line: string): Record<string, unknown> {
  try {
    return (JSON.parse(line) ?? {}) as Record<string, unknown>;
  } catch {
    return {};
  }
}
