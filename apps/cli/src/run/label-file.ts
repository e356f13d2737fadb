import { availableParallelism } from 'node:os';
import { type ReadItem, type ReadOptions, readDocuments, writeRows } from '@llambert/adapters/files';
import { decodeDeadLetter, decodePrediction, encodeDocument } from '@llambert/contracts';
import { type ConsumedRecord, type DeadLetter, LlambertError, type ModelManifest } from '@llambert/domain';
import { classifierPool } from '@llambert/inference';
import { megabytesTo, type Reporter } from '../terminal/reporter.ts';
import { deadLetterFile, deadLettersBeside } from './dead-letter-file.ts';
import { type LabelCounts, labelRow, predictionCounter } from './outputs.ts';

export interface LabelFileRequest {
  readonly model: { readonly digest: string; readonly folder: string; readonly manifest: ModelManifest };
  readonly inputs: readonly string[];
  readonly reading: Omit<ReadOptions, 'onNotice' | 'onProgress'>;
  readonly out: string;
  readonly workers: number | null;
}

/** Stands where a pass's topics would: the file is read and written without a log in between. */
const target = { prefix: 'llambert', task: 'label', pass: 'label', predictionsTopic: 'predictions' };

/**
 * Labels the documents of files with a model and writes a line for each. What cannot be used is told on stderr and kept beside the labels, in
 * `<out>.dead-letters.jsonl`; where the labels go to standard output, it is only told.
 */
export async function labelFile(
  request: LabelFileRequest,
  reporter: Reporter,
  signal: AbortSignal,
): Promise<LabelCounts & { readonly deadLetters: number; readonly deadLetterFile: string | null }> {
  const { labels } = request.model.manifest;
  const { counts, count } = predictionCounter(labels.names);
  const pool = classifierPool(request.workers ?? availableParallelism());
  let deadLetters = 0;
  const letters = request.out === '-' ? null : deadLetterFile(deadLettersBeside(request.out));
  const refuse = (letter: DeadLetter) => {
    deadLetters += 1;
    letters?.add(letter);
    if (deadLetters <= 10) reporter.notice(`${letter.position}: ${letter.message}`);
    if (deadLetters === 10) reporter.notice('further records that cannot be used are only counted');
  };
  reporter.step('labelling');
  const reading = readDocuments(request.inputs, {
    ...request.reading,
    onNotice: reporter.notice,
    onProgress: megabytesTo(reporter),
  });
  const rows = async function* () {
    for await (const items of reading) {
      if (signal.aborted) throw new LlambertError('cancelled', `stopped: ${request.out} was not written`);
      const documents = items.filter((item) => item.kind === 'document');
      for (const item of items) if (item.kind === 'rejected') refuse(letterOf(item));
      const outputs = await pool.classify(request.model, target, documents.map(recordOf));
      for (const [index, { topic, record }] of outputs.entries()) {
        if (topic !== target.predictionsTopic) {
          refuse({ ...decodeDeadLetter(record), position: positionOf(documents[index]!) });
          continue;
        }
        const prediction = decodePrediction(record);
        count(prediction);
        yield labelRow(prediction, labels.kind, labels.names);
      }
    }
  };
  try {
    const format = /\.csv(\.gz)?$/.test(request.out) ? 'csv' : /\.parquet$/.test(request.out) ? 'parquet' : 'jsonl';
    const columns = ['id', labels.kind === 'single' ? 'label' : 'labels', 'probability', 'probabilities', 'route', 'truncated', 'model'];
    await writeRows(request.out, format, columns, rows());
    return { ...counts, deadLetters, deadLetterFile: letters?.finish() ?? null };
  } finally {
    letters?.discard();
    await pool.close();
  }
}

function positionOf({ position }: ReadItem): string {
  return `${position.file}:${position.line}`;
}

function letterOf(item: Extract<ReadItem, { kind: 'rejected' }>): DeadLetter {
  const { reason, message, record } = item;
  return { service: 'label', reason, message, position: positionOf(item), documentId: item.id ?? null, record };
}

function recordOf(item: Extract<ReadItem, { kind: 'document' }>): ConsumedRecord {
  return { ...encodeDocument(item.document), topic: item.position.file, partition: 0, offset: item.position.line };
}
