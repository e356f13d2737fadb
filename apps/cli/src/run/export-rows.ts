import { type ColumnType, type InputColumns, parseExactly } from '@llambert/adapters/files';
import { decodeDocument, decodePrediction } from '@llambert/contracts';
import { type ConsumedRecord, type Document, type LabelKind, LlambertError, type Prediction } from '@llambert/domain';
import type { CurrentLoop } from './look-into-run.ts';
import type { RunReader } from './run-folder.ts';

export type ExportFormat = 'jsonl' | 'csv' | 'parquet';

const outputColumns = ['label', 'probability', 'route'] as const;

/**
 * The input's columns followed by label, probability and route, a row for each labelled document, in the order of the input, the values of
 * the input in the types that it had, as far as the format has them. The labels of a multi-label task are a list, which a table shows as
 * JSON. Throws `busy`, also while rows are read, where a run begins meanwhile.
 */
export async function exportRows(
  run: RunReader,
  format: ExportFormat,
): Promise<{ columns: string[]; rows: AsyncIterable<Record<string, unknown>> }> {
  const { run: facts } = run.ledger;
  const { loop, task } = JSON.parse((await facts.recall('current')) ?? '{}') as Partial<CurrentLoop>;
  if (task === undefined || (await facts.recall('finished')) !== loop) {
    throw new LlambertError('invalid_input', `${run.paths.folder} holds no finished run: the same "llambert run" command goes on with it`);
  }
  const { source, predictions } = task.topics;
  const columns = JSON.parse((await facts.recall('columns'))!) as InputColumns;
  const id = columns.id ?? 'id';
  const inputNames = columns.names.includes(id) ? columns.names : [id, ...columns.names];
  const inputRow = inputRows(columns, id, format);
  // A column of the input keeps its name; ours gives way.
  const ours = outputColumns.map((name) => (inputNames.includes(name) ? `llambert_${name}` : name));
  const joined = async function* () {
    const predicted = recordsOf(run, predictions, decodePrediction);
    let next = await predicted.next();
    for await (const document of recordsOf(run, source, decodeDocument)) {
      // Predictions come in the order of the source; a document without one is among the dead letters.
      if (next.done === true || next.value.documentId !== document.id) continue;
      yield { ...inputRow(document), ...outputRow(next.value, task.spec.kind, ours) };
      next = await predicted.next();
    }
  };
  const rows = async function* () {
    try {
      yield* joined();
    } finally {
      // What was read of a file that changed meanwhile may be wrong, and so may be the error about it.
      run.expectUnchanged();
    }
  };
  return { columns: [...inputNames, ...ours], rows: rows() };
}

/** Makes rows of documents, whose values are texts: by the types of their columns they become what they were. */
function inputRows(columns: InputColumns, id: string, format: ExportFormat): (document: Document) => Record<string, unknown> {
  const types = new Map(columns.types);
  const original = (name: string, text: string): unknown => {
    const type = types.get(name);
    return type === undefined ? text : typed(text, type, format);
  };
  // Tables have a place for what is missing; lines have one where every line had it.
  const nulls = format === 'jsonl' ? (columns.nullable ?? []).map((name) => [name, null] as const) : [];
  return (document) => ({
    ...Object.fromEntries(nulls),
    ...Object.fromEntries(Object.entries(document.metadata).map(([name, text]) => [name, original(name, text)])),
    [id]: original(id, document.id),
    [columns.text]: document.text,
    ...(columns.textPair === null ? {} : { [columns.textPair]: document.textPair ?? '' }),
  });
}

/** CSV has texts only, and Parquet gets nested values as JSON. */
function typed(text: string, type: ColumnType, format: ExportFormat): unknown {
  if (format === 'csv' || (format === 'parquet' && type === 'json')) return text;
  if (format === 'parquet' && (type === 'integer' || type === 'long')) return BigInt(text);
  if (type === 'number') return Number(text);
  return type === 'boolean' ? text === 'true' : parseExactly(text);
}

function outputRow(prediction: Prediction, kind: LabelKind, [label, probability, route]: readonly string[]): Record<string, unknown> {
  return {
    [label!]: kind === 'single' ? prediction.labels[0] : prediction.labels,
    [probability!]: prediction.probability,
    [route!]: prediction.route,
  };
}

async function* recordsOf<T>(run: RunReader, topic: string, decode: (record: ConsumedRecord) => T): AsyncGenerator<T, void> {
  for await (const batch of run.eventLog.read(topic, 0, 0)) for (const record of batch) yield decode(record);
}
