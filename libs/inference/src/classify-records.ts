import { deadLetterRecord, decodeDocument, encodePrediction } from '@llambert/contracts';
import {
  type ConsumedRecord,
  type Document,
  documentProblem,
  type ModelManifest,
  type RecordToAppend,
  toLlambertError,
} from '@llambert/domain';
import type { Classifier } from '@llambert/student';
import { predictionOf } from './prediction.ts';

export const serviceName = 'inference';

/** What a record of a source becomes: where its prediction goes, and under which names. */
export interface PassTarget {
  readonly prefix: string;
  readonly task: string;
  readonly pass: string;
  readonly predictionsTopic: string;
}

export interface LoadedModel {
  readonly digest: string;
  readonly manifest: ModelManifest;
  readonly classifier: Classifier;
}

/**
 * The hot path: from source records to predictions and dead letters, one output for each record, in the records' order. Touches no
 * state, so that the event log can commit outputs and offsets together.
 */
export async function classifyRecords(
  model: LoadedModel,
  target: PassTarget,
  records: readonly ConsumedRecord[],
): Promise<RecordToAppend[]> {
  const outputs = new Array<RecordToAppend | null>(records.length).fill(null);
  const documents: Document[] = [];
  const slots: number[] = [];
  for (const [slot, record] of records.entries()) {
    const read = readDocument(record);
    if ('problem' in read) outputs[slot] = deadLetterRecord(target.prefix, serviceName, record, read.problem, read.message);
    else {
      documents.push(read.document);
      slots.push(slot);
    }
  }
  const { probabilities, truncated } = await model.classifier.classify(documents);
  const width = model.manifest.labels.names.length;
  const predicting = { digest: model.digest, labels: model.manifest.labels, routing: model.manifest.routing };
  for (const [row, document] of documents.entries()) {
    const prediction = predictionOf(
      predicting,
      target,
      document,
      probabilities.subarray(row * width, (row + 1) * width),
      truncated[row] === 1,
    );
    outputs[slots[row]!] = { topic: target.predictionsTopic, record: encodePrediction(prediction) };
  }
  return outputs.filter((output) => output !== null);
}

function readDocument(record: ConsumedRecord): { document: Document } | { problem: string; message: string } {
  try {
    const document = decodeDocument(record);
    const problem = documentProblem(document);
    return problem === null ? { document } : { problem, message: `the document cannot be labelled: ${problem.replaceAll('_', ' ')}` };
  } catch (error) {
    return { problem: 'undecodable', message: toLlambertError(error).message };
  }
}
