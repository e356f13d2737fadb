import { LlambertError } from '@llambert/domain';
import { inBatches } from './batches.ts';
import { type ColumnType, columnTypes } from './column-types.ts';
import { chooseFields, type FieldNames, type Fields, requireFields } from './fields.ts';
import type { Format } from './format.ts';
import { findInputs, type InputFile } from './inputs.ts';
import { type SourceRecord, textOf } from './record.ts';
import { SeenIds } from './seen-ids.ts';
import { type SourceOptions, sourceRecords } from './source-records.ts';
import { type ReadItem, rejected, toDocument } from './to-document.ts';

export interface ReadOptions extends SourceOptions {
  readonly fields: FieldNames;
  /** Found by name and content unless given. `jsonl` takes JSON arrays, too. */
  readonly format?: Format;
  /** Told with each batch. `bytesTotal` is null where an input's size is not known beforehand. */
  readonly onProgress?: (progress: { bytesRead: number; bytesTotal: number | null }) => void;
}

/** The input's columns in the order of their first appearance, and which of them are the document's own fields. */
export interface InputColumns {
  readonly names: readonly string[];
  readonly id: string | null;
  readonly text: string;
  readonly textPair: string | null;
  /** Columns whose values are no strings. */
  readonly types?: readonly (readonly [name: string, type: ColumnType])[];
  /** Columns that every record has and that are null in some. */
  readonly nullable?: readonly string[];
}

/** A reading under way. */
export interface DocumentReading extends AsyncIterable<ReadItem[]> {
  /** The columns that were met so far, so all of them once everything was read. Throws RangeError before the first record. */
  columns(): InputColumns;
}

/** Most items of a batch, and most characters. */
const batchLimits = { count: 500, size: 4 * 1024 * 1024 };
/** Records from whose columns the fields are chosen. */
const sampleLimits = { count: 100, size: 4 * 1024 * 1024 };
/** Most columns that are remembered: records whose keys are data have no end of them. */
const maxColumns = 1000;

/**
 * Reads the documents of files, folders and standard input, in batches, in a memory that does not grow with the input (16 bytes or so
 * for each id). What cannot be a document is a rejected item in its place, and reading goes on. The same input gives the same items
 * in the same order, so that an interrupted reading can go on by counting them.
 * @param inputs paths of files and folders, `-` for standard input
 * @throws LlambertError invalid_input, from the iteration, where an input as a whole cannot be read: it is not there, empty or cut off, or
 *   lacks a column
 */
export function readDocuments(inputs: readonly string[], options: ReadOptions): DocumentReading {
  const columns = columnTypes(maxColumns);
  let fields: Fields | null = null;
  const told = new Set<string>();
  const onNotice = (notice: string) => {
    if (!told.has(notice)) options.onNotice?.(notice);
    told.add(notice);
  };

  async function* itemsOf(input: InputFile, seen: SeenIds, onBytes: (count: number) => void): AsyncGenerator<ReadItem[]> {
    let checked = false;
    for await (const batch of inBatches(sourceRecords(input, { ...options, onNotice }, onBytes), sizeOfRecord, sampleLimits)) {
      columns.see(batch);
      if (!checked && batch.some((record) => record.kind === 'fields')) {
        checked = true;
        const found = namesIn(batch);
        if (fields === null) fields = chooseFields(found, options.fields, input.name, onNotice);
        else requireFields(found, fields, input.name);
      }
      yield batch.map((record) => itemOf(record, input, seen));
    }
  }

  function itemOf(record: SourceRecord, input: InputFile, seen: SeenIds): ReadItem {
    const madeId = input.isOneDocument ? input.idName : `${input.idName}:${record.position.line}`;
    // Before the fields are chosen there are broken records only, of which they say nothing.
    const item = toDocument(record, fields ?? { id: null, text: '', textPair: null }, madeId);
    if (item.kind === 'rejected' || fields?.id === null || seen.add(item.document.id)) return item;
    return rejected(record, 'duplicate_id', `the id "${item.document.id}" was there before`, item.document.id);
  }

  async function* read(): AsyncGenerator<ReadItem[]> {
    const files = await findInputs(inputs, options.format);
    const bytesTotal = files.reduce<number | null>((sum, { bytes }) => (sum === null || bytes === null ? null : sum + bytes), 0);
    let bytesRead = 0;
    const seen = new SeenIds();
    async function* all(): AsyncGenerator<ReadItem[]> {
      for (const file of files) {
        yield* itemsOf(file, seen, (count) => {
          bytesRead += count;
        });
      }
    }
    let items = 0;
    for await (const batch of inBatches(all(), sizeOfItem, batchLimits)) {
      items += batch.length;
      // Of Parquet, some bytes are read twice.
      options.onProgress?.({ bytesRead: Math.min(bytesRead, bytesTotal ?? bytesRead), bytesTotal });
      yield batch;
    }
    if (items === 0) throw new LlambertError('invalid_input', `${inputs.join(', ')}: there are no records`);
  }

  return {
    [Symbol.asyncIterator]: read,
    columns: () => {
      if (fields === null) throw new RangeError('columns are known once documents were read');
      const types = columns.types();
      const nullable = columns.nullable();
      return {
        names: columns.names(),
        ...fields,
        ...(types.length === 0 ? {} : { types }),
        ...(nullable.length === 0 ? {} : { nullable }),
      };
    },
  };
}

function namesIn(batch: readonly SourceRecord[]): string[] {
  const names = columnTypes(maxColumns);
  names.see(batch);
  return names.names();
}

/** About what a record or an item weighs, in characters. */
const leastSize = 200;

function sizeOfRecord(record: SourceRecord): number {
  if (record.kind === 'broken') return leastSize;
  return record.values.reduce((sum, value) => sum + (value === null ? 0 : textOf(value).length), leastSize);
}

function sizeOfItem(item: ReadItem): number {
  if (item.kind === 'rejected') return leastSize + item.record.length;
  const { text, textPair, metadata } = item.document;
  return Object.values(metadata).reduce((sum, value) => sum + value.length, leastSize + text.length + (textPair?.length ?? 0));
}
