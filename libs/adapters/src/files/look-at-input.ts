import type { Document } from '@llambert/domain';
import { inBatches } from './batches.ts';
import type { ReadOptions } from './documents.ts';
import { guessId, guessText, isNamedLikeLabel, requireWanted } from './fields.ts';
import { findInputs } from './inputs.ts';
import { type FieldRecord, textOf, valueIn } from './record.ts';
import { sourceRecords } from './source-records.ts';
import { toDocument } from './to-document.ts';

/** What the first records of an input show. */
export interface InputLook {
  /** Its columns, each with some of its distinct values, cut short. */
  readonly columns: readonly { readonly name: string; readonly examples: readonly string[] }[];
  /** What was asked for, else what the names and values suggest; null where nothing does. */
  readonly fields: {
    readonly id: string | null;
    readonly text: string | null;
    readonly textPair: string | null;
    readonly label: string | null;
  };
  /** Columns of short values, of which every record has one of its own: they could be ids. */
  readonly unique: readonly string[];
  /** The first documents by these fields; none where no text field is known. */
  readonly documents: readonly Document[];
}

export type LookOptions = Omit<ReadOptions, 'onProgress'> & {
  /** Most records that are looked at, 200 unless given. */
  readonly limit?: number;
};

/** Most examples of a column, and most characters of one. */
const maxExamples = 10;
const exampleCharacters = 80;
/** Longest value of a column that could hold ids. */
const idCharacters = 64;

/**
 * Looks at the beginning of an input, without reading the rest, for somebody who has yet to say what is in it.
 * @throws LlambertError invalid_input as `readDocuments` does
 */
export async function lookAtInput(inputs: readonly string[], options: LookOptions): Promise<InputLook> {
  const limit = options.limit ?? 200;
  const seen: { record: FieldRecord; madeId: string }[] = [];
  for (const input of await findInputs(inputs, options.format)) {
    const batches = inBatches(
      sourceRecords(input, options, () => {}),
      () => 0,
      { count: limit - seen.length, size: Number.POSITIVE_INFINITY },
    );
    for await (const batch of batches) {
      for (const record of batch) {
        if (record.kind === 'broken') continue;
        seen.push({ record, madeId: input.isOneDocument ? input.idName : `${input.idName}:${record.position.line}` });
      }
      break;
    }
    if (seen.length >= limit) break;
  }
  const records = seen.map(({ record }) => record);
  const names = [...new Set(records.flatMap((record) => record.names))];
  const values = new Map(names.map((name) => [name, valuesOf(records, name)]));
  const { fields } = options;
  if (names.length > 0) requireWanted(names, fields, inputs.join(', '));
  const id = fields.id ?? guessId(names);
  const textPair = fields.textPair ?? null;
  const others = names.filter((name) => name !== id && name !== textPair);
  const text = fields.text ?? guessText(others) ?? longest(others, values);
  const items = text === null ? [] : seen.map(({ record, madeId }) => toDocument(record, { id, text, textPair }, madeId));
  return {
    columns: names.map((name) => ({ name, examples: examplesOf(values.get(name)!) })),
    fields: {
      id,
      text,
      textPair,
      label: guessLabel(
        others.filter((name) => name !== text),
        values,
      ),
    },
    unique: names.filter((name) => name !== text && name !== textPair && couldBeIds(values.get(name)!, records.length)),
    documents: items.flatMap((item) => (item.kind === 'document' ? [item.document] : [])),
  };
}

function valuesOf(records: readonly FieldRecord[], name: string): string[] {
  return records.flatMap((record) => {
    const value = valueIn(record, name);
    return value === null || value === '' ? [] : [textOf(value)];
  });
}

function examplesOf(values: readonly string[]): string[] {
  const distinct = new Set<string>();
  for (const value of values) {
    distinct.add(value.length > exampleCharacters ? `${value.slice(0, exampleCharacters).toWellFormed()}…` : value);
    if (distinct.size === maxExamples) break;
  }
  return [...distinct];
}

function couldBeIds(values: readonly string[], records: number): boolean {
  const isFull = values.length === records && records > 1;
  return isFull && new Set(values).size === records && values.every((value) => value.length <= idCharacters && !value.includes('\n'));
}

/** The column with the longest values, where they are much longer than the others': prose. */
function longest(names: readonly string[], values: ReadonlyMap<string, readonly string[]>): string | null {
  const lengths = names.map((name) => {
    const texts = values.get(name)!;
    return { name, mean: texts.reduce((sum, value) => sum + value.length, 0) / Math.max(1, texts.length) };
  });
  lengths.sort((left, right) => right.mean - left.mean);
  const [first, second] = lengths;
  return first !== undefined && first.mean > 2 * (second?.mean ?? 0) ? first.name : null;
}

/** A column that is called like labels and has few distinct values. */
function guessLabel(names: readonly string[], values: ReadonlyMap<string, readonly string[]>): string | null {
  const named = names.filter(isNamedLikeLabel);
  return named.find((name) => new Set(values.get(name)).size <= Math.max(2, values.get(name)!.length / 2)) ?? null;
}
