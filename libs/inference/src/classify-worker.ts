import { parentPort } from 'node:worker_threads';
import { type ConsumedRecord, type ModelManifest, type RecordToAppend, type SentError, sentError } from '@llambert/domain';
import { loadClassifier } from '@llambert/student';
import { classifyRecords, type LoadedModel, type PassTarget } from './classify-records.ts';

/** What the pool asks a worker to do. The model's folder has been verified by the artifact store. */
export interface ClassifyRequest {
  readonly id: number;
  readonly digest: string;
  readonly folder: string;
  readonly manifest: ModelManifest;
  readonly target: PassTarget;
  readonly records: readonly ConsumedRecord[];
}

export type ClassifyReply =
  | { readonly id: number; readonly outputs: readonly RecordToAppend[] }
  | { readonly id: number; readonly error: SentError };

let loaded: LoadedModel | null = null;

let last: Promise<void> = Promise.resolve();

parentPort!.on('message', (request: ClassifyRequest | 'end') => {
  // One after the other: a request may want another model than the one before it, which would be closed under its hands.
  last = last.then(async () => {
    if (request === 'end') parentPort!.close();
    else parentPort!.postMessage(await answer(request));
  });
});

async function answer(request: ClassifyRequest): Promise<ClassifyReply> {
  try {
    if (loaded?.digest !== request.digest) {
      await loaded?.classifier.close();
      loaded = null;
      loaded = { digest: request.digest, manifest: request.manifest, classifier: await loadClassifier(request.folder, request.manifest) };
    }
    return { id: request.id, outputs: await classifyRecords(loaded, request.target, request.records) };
  } catch (error) {
    return { id: request.id, error: sentError(error) };
  }
}
