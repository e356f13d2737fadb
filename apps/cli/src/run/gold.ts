import { type GoldEntry, readGold } from '@llambert/adapters/files';
import { decodeDocument, encodeEvent, topicName } from '@llambert/contracts';
import { canonicalJson, type Document, digestOf, type Event, type Gold, type GoldDraw, LlambertError, type Task } from '@llambert/domain';
import type { Reporter } from '../terminal/reporter.ts';
import type { RunFolder } from './run-folder.ts';

/** A task's gold file, read and checked against its labels. */
export interface GoldFile {
  readonly entries: readonly GoldEntry[];
  /** Changes when what the file says changes. */
  readonly digest: string;
}

export const noGold: GoldFile = { entries: [], digest: '' };

/**
 * Reads a gold file. `draw` says how its documents were drawn where a line of it does not; null: nobody says. Throws `invalid_input`
 * that lists every entry whose label the task does not have.
 */
export async function readGoldFor(task: Task, file: string, draw: GoldDraw | null): Promise<GoldFile> {
  // Gold of which nobody says how it was drawn may train, but a guarantee cannot rest on it.
  const entries = await readGold(file, draw ?? 'chosen');
  const names = new Set(task.spec.labels.map((label) => label.name));
  const unknown = entries.flatMap((entry) =>
    entry.labels.filter((label) => !names.has(label)).map((label) => `${file}:${entry.line} "${label}"`),
  );
  const wrongCount = task.spec.kind === 'single' ? entries.filter((entry) => entry.labels.length !== 1) : [];
  if (unknown.length > 0) {
    throw new LlambertError(
      'invalid_input',
      `gold labels that the task does not have: ${firstOf(unknown)}. Its labels are ${[...names].join(', ')}`,
    );
  }
  if (wrongCount.length > 0) {
    throw new LlambertError(
      'invalid_input',
      `a single-label task wants exactly one label a gold document: ${firstOf(wrongCount.map((entry) => `${file}:${entry.line}`))}`,
    );
  }
  const content = entries.map(({ id, labels, draw }) => ({ id, labels, draw })).sort((left, right) => (left.id < right.id ? -1 : 1));
  return { entries, digest: digestOf('gold.v1', canonicalJson(content)) };
}

/**
 * Says a gold file's labels as decisions of people, each with its document, which is looked for in the source. Saying them again
 * changes nothing: a document has one gold label.
 */
export async function publishGold(run: RunFolder, task: Task, prefix: string, gold: GoldFile, reporter: Reporter): Promise<void> {
  if (gold.entries.length === 0) return;
  const known = `gold:${prefix}`;
  const state = run.ledger.run;
  if ((await state.recall(known)) !== null) return;
  const wanted = new Map(gold.entries.map((entry) => [entry.id, entry]));
  const found: Gold[] = [];
  for await (const batch of run.eventLog.read(task.topics.source, 0, 0)) {
    for (const record of batch) {
      const entry = wanted.get(record.key);
      if (entry === undefined) continue;
      wanted.delete(record.key);
      const document: Document = decodeDocument(record);
      found.push({ task: task.name, document, labels: entry.labels, draw: entry.draw });
    }
  }
  if (found.length === 0) {
    throw new LlambertError(
      'invalid_input',
      `none of the ${gold.entries.length} gold ids is in the input (the first: "${gold.entries[0]!.id}"): are they the ids of other documents?`,
    );
  }
  if (wanted.size > 0) {
    reporter.notice(
      `${wanted.size} of ${gold.entries.length} gold ids are not in the input and count for nothing: ${firstOf([...wanted.keys()])}`,
    );
  }
  if (found.every((item) => item.draw === 'chosen')) {
    reporter.notice(
      'the gold can train but not certify: if its documents were drawn uniformly at random, say so in the task: gold: {file: …, sampled: uniform}',
    );
  }
  const events = found.map((body): Event => ({ id: `gold:${body.document.id}`, name: 'review.decided', key: body.document.id, body }));
  await run.eventLog.append(events.map((event) => ({ topic: topicName(prefix, event.name), record: encodeEvent(event) })));
  await state.remember(known, String(found.length));
}

function firstOf(items: readonly string[]): string {
  const shown = items.slice(0, 10).join(', ');
  return items.length > 10 ? `${shown} and ${items.length - 10} more` : shown;
}
