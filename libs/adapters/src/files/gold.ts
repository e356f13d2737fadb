import { type GoldDraw, LlambertError } from '@llambert/domain';
import { findInputs } from './inputs.ts';
import { stringsOf } from './json-record.ts';
import { type FieldRecord, type SourceRecord, textOf, valueIn } from './record.ts';
import { sourceRecords } from './source-records.ts';

/** A line of a gold file: a person's labels for the document with that id. */
export interface GoldEntry {
  readonly id: string;
  readonly labels: readonly string[];
  readonly draw: GoldDraw;
  readonly line: number;
}

/**
 * Reads a gold file: `{id, label}` or `{id, labels}`, and perhaps `sampled`, in any format that documents may come in. In CSV, several
 * labels are a JSON array or are separated by `|`. A line that says the same again is passed over.
 * @param defaultDraw how the documents were chosen where a line does not say so
 * @throws LlambertError invalid_input that lists what is wrong with which lines
 */
export async function readGold(file: string, defaultDraw: GoldDraw = 'chosen'): Promise<GoldEntry[]> {
  const [input] = await findInputs([file]);
  const entries = new Map<string, GoldEntry>();
  const faults: string[] = [];
  for await (const batch of sourceRecords(input!, {}, () => {})) {
    for (const record of batch) {
      const entry = entryOf(record, defaultDraw);
      if (typeof entry === 'string') {
        faults.push(`line ${record.position.line}: ${entry}`);
        continue;
      }
      const known = entries.get(entry.id);
      if (known === undefined) entries.set(entry.id, entry);
      else if (known.draw !== entry.draw || !sameLabels(known.labels, entry.labels)) {
        faults.push(`line ${entry.line}: "${entry.id}" is ${described(entry)}, but ${described(known)} on line ${known.line}`);
      }
    }
  }
  if (faults.length > 0) {
    const shown = faults.slice(0, 10).join('; ');
    const more = faults.length > 10 ? `; and ${faults.length - 10} more` : '';
    throw new LlambertError('invalid_input', `${file}: ${shown}${more}`, { facts: { file, faults: faults.length } });
  }
  if (entries.size === 0) throw new LlambertError('invalid_input', `${file}: there are no gold labels in it`, { facts: { file } });
  return [...entries.values()];
}

/** The entry, or what is wrong with the record. */
function entryOf(record: SourceRecord, defaultDraw: GoldDraw): GoldEntry | string {
  if (record.kind === 'broken') return record.message;
  const id = valueIn(record, 'id');
  if (id === null || textOf(id) === '') return 'there is no "id"';
  const labels = labelsOf(record);
  if (labels === null) return 'there is neither a "label" nor a list of "labels"';
  const sampled = valueIn(record, 'sampled') ?? '';
  if (sampled !== '' && sampled !== 'uniform' && sampled !== 'chosen') return '"sampled" must be "uniform" or "chosen"';
  return { id: textOf(id), labels, draw: sampled === '' ? defaultDraw : sampled, line: record.position.line };
}

function labelsOf(record: FieldRecord): string[] | null {
  const label = valueIn(record, 'label');
  if (label !== null && label !== '') {
    const found = stringsOf(label);
    return found?.length === 1 ? found : null;
  }
  const labels = valueIn(record, 'labels');
  if (labels === null) return null;
  if (typeof labels !== 'string') return distinct(stringsOf(labels));
  if (labels.startsWith('[')) return distinct(stringsOf({ json: labels }));
  return distinct(labels.split('|').map((name) => name.trim())).filter((name) => name !== '');
}

function distinct<List extends string[] | null>(labels: List): List {
  return (labels === null ? null : [...new Set(labels)]) as List;
}

function sameLabels(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((label) => right.includes(label));
}

function described({ labels, draw }: GoldEntry): string {
  return `${labels.length === 0 ? 'without labels' : labels.join(' and ')} (${draw})`;
}
