import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { type ConsumedRecord, LlambertError, type ModelManifest, type RecordToAppend, receivedError } from '@llambert/domain';
import type { PassTarget } from './classify-records.ts';
import type { ClassifyReply, ClassifyRequest } from './classify-worker.ts';

export interface ClassifierPool {
  /** The outputs of `classifyRecords`, in the records' order, worked out by all workers at once. */
  classify(
    model: { digest: string; folder: string; manifest: ModelManifest },
    target: PassTarget,
    records: readonly ConsumedRecord[],
  ): Promise<RecordToAppend[]>;
  close(): Promise<void>;
}

/** Fewer records than this are not worth a second worker's wake-up. */
const leastRecordsPerWorker = 16;

/** Worker threads that hold the model, so that classification neither blocks the event loop nor is bound to one core. */
export function classifierPool(workerCount: number): ClassifierPool {
  const pending = new Map<number, { resolve: (outputs: readonly RecordToAppend[]) => void; reject: (error: Error) => void }>();
  let nextId = 0;
  const failAll = (error: Error) => {
    for (const { reject } of pending.values()) reject(error);
    pending.clear();
  };
  const workers = Array.from({ length: workerCount }, () => {
    const worker = new Worker(new URL('./classify-worker.ts', import.meta.url));
    worker.unref();
    worker.on('message', (reply: ClassifyReply) => {
      const waiting = pending.get(reply.id);
      pending.delete(reply.id);
      if ('error' in reply) waiting?.reject(receivedError(reply.error));
      else waiting?.resolve(reply.outputs);
    });
    worker.on('error', (error) =>
      failAll(new LlambertError('internal', `a classification worker died: ${error.message}`, { cause: error })),
    );
    return { worker, ended: new Promise((resolve) => worker.once('exit', resolve)) };
  });
  const ask = (worker: Worker, request: Omit<ClassifyRequest, 'id'>) =>
    new Promise<readonly RecordToAppend[]>((resolve, reject) => {
      const id = nextId++;
      pending.set(id, { resolve, reject });
      worker.ref();
      worker.postMessage({ ...request, id });
    }).finally(() => worker.unref());

  return {
    async classify(model, target, records) {
      const share = Math.max(leastRecordsPerWorker, Math.ceil(records.length / workers.length));
      const parts = workers
        .map(({ worker }, index) => ({ worker, records: records.slice(index * share, (index + 1) * share) }))
        .filter((part) => part.records.length > 0);
      const outputs = await Promise.all(parts.map((part) => ask(part.worker, { ...model, target, records: part.records })));
      return outputs.flat();
    },
    async close() {
      failAll(new LlambertError('cancelled', 'classification was stopped'));
      // What was asked lets go of its thread first; then the threads alone keep the process.
      await setImmediate();
      // Terminated from outside while it loads onnxruntime or runs it, a thread would take the process down.
      for (const { worker } of workers) {
        worker.ref();
        worker.postMessage('end');
      }
      await Promise.all(workers.map(({ ended }) => ended));
    },
  };
}
