import { Worker } from 'node:worker_threads';
import {
  type Document,
  type EncoderSource,
  type Ensemble,
  type LabelSet,
  LlambertError,
  parseEncoderSource,
  receivedError,
  type SentError,
  type StudentKind,
  type StudentSettings,
  type TrainingFacts,
} from '@llambert/domain';
import type { DatasetRow } from './dataset.ts';
import type { DoubtedRow } from './likely-wrong.ts';

export interface TrainRequest {
  readonly rows: readonly DatasetRow[];
  /** Documents to learn from under pseudo-labels, where the settings ask for them. */
  readonly unlabelled: readonly Pick<Document, 'text' | 'textPair'>[];
  readonly labels: LabelSet;
  readonly settings: StudentSettings;
  /** Documents outside the rows that the finished student is to score. */
  readonly score: readonly Pick<Document, 'text' | 'textPair'>[];
  /** Empty folder that the student's files are written to. */
  readonly folder: string;
}

/** An encoder on this machine. */
export interface FetchedEncoder {
  readonly folder: string;
  /** What it is called in a manifest: with the commit where it is a model of the hub. */
  readonly name: string;
}

/** What a machine gives a training. */
export interface TrainingPlace {
  /** Brings the weights of an encoder that is not made here. */
  readonly fetchEncoder: (source: Exclude<EncoderSource, { kind: 'scratch' }>, signal: AbortSignal) => Promise<FetchedEncoder>;
  /** Folder in which a long training keeps its state, to go on from after a crash. */
  readonly stateFolder: string;
  /** Threads to compute with. */
  readonly threads: number;
}

/** All that a training needs, in a form that can be sent to a thread. */
export interface PlacedRequest extends TrainRequest {
  /** The encoder to start from, `scratch`, or null where the student has none. */
  readonly encoder: FetchedEncoder | 'scratch' | null;
  readonly stateFolder: string;
  readonly threads: number;
}

/** Rows scored by a student that did not learn from them: what calibration and figures without gold are made of. */
export interface HeldOut {
  /** Which of the request's rows. */
  readonly rows: readonly number[];
  /** Uncalibrated, [rows, labels] row by row. */
  readonly logits: Float32Array;
  /** All rows in turn, or one part of them. */
  readonly on: 'out-of-fold' | 'held-out';
  /** Whether the released student learned from them after all: then students of their own were judged by them. */
  readonly learnedAfter: boolean;
}

export interface TrainedStudent {
  readonly student: StudentKind;
  /** The linear student that the encoder decides together with; absent: it decides alone. */
  readonly ensemble?: Ensemble;
  readonly heldOut: HeldOut;
  /** Uncalibrated, [score, labels] row by row, by the released student. */
  readonly scoredLogits: Float32Array;
  /** Pretrained weights it started from; null: none. */
  readonly baseModel: { readonly name: string; readonly licence: string | null } | null;
  /** The teacher's labels that are likely wrong, the most doubtful first; absent where nobody looked. */
  readonly doubts?: readonly DoubtedRow[];
  /** What the training chose, for the manifest. */
  readonly training: TrainingFacts;
}

/** Trains a student and writes its files; throws `cancelled` when stopped. */
export type TrainStudent = (request: TrainRequest, signal: AbortSignal) => Promise<TrainedStudent>;

/** What a training says of itself while it runs. */
export interface TrainingProgress {
  readonly step: string;
  /** In [0, 1]. */
  readonly done: number;
  /** Figures of where it is, for people: loss, speed; empty: none. */
  readonly detail: string;
}

/** What the training's thread is given. */
export interface WorkerData {
  readonly request: PlacedRequest;
  /** Shared; raised to 1 when the training is to stop. */
  readonly stopFlag: Int32Array;
}

export type TrainMessage =
  /** All modules are loaded. */
  | { readonly started: true }
  | { readonly progress: TrainingProgress }
  | { readonly trained: TrainedStudent }
  | { readonly error: SentError };

/** Trains in a worker thread of its own, which ends with the training: the event loop stays free for heartbeats and the other services. */
export function trainInWorker(place: TrainingPlace, onProgress: (progress: TrainingProgress) => void): TrainStudent {
  return async (request, signal) => {
    const workerData: WorkerData = {
      request: await placed(request, place, signal),
      stopFlag: new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)),
    };
    return new Promise((resolve, reject) => {
      const stopped = () => new LlambertError('cancelled', 'training was stopped');
      if (signal.aborted) return reject(stopped());
      const worker = new Worker(new URL('./train-worker.ts', import.meta.url), { workerData });
      let isStarted = false;
      const stop = () => {
        // onnxruntime ends its run first; where it is not in play, nothing speaks against ending at once, once it is loaded.
        Atomics.store(workerData.stopFlag, 0, 1);
        if (workerData.request.encoder === null && isStarted) void worker.terminate();
      };
      signal.addEventListener('abort', stop, { once: true });
      worker.on('message', (message: TrainMessage) => {
        if ('started' in message) {
          isStarted = true;
          if (signal.aborted) stop();
        } else if ('progress' in message) onProgress(message.progress);
        else if ('trained' in message) resolve(message.trained);
        else reject(receivedError(message.error));
      });
      worker.on('error', (error) => reject(new LlambertError('internal', `the training worker died: ${error.message}`, { cause: error })));
      worker.on('exit', (code) => {
        signal.removeEventListener('abort', stop);
        // Does nothing after a result; a worker that ends without one was stopped or has failed.
        reject(
          signal.aborted ? stopped() : new LlambertError('internal', `the training worker ended with exit code ${code} and no result`),
        );
      });
    });
  };
}

async function placed(request: TrainRequest, place: TrainingPlace, signal: AbortSignal): Promise<PlacedRequest> {
  const { stateFolder, threads } = place;
  const source = request.settings.encoder === null ? null : parseEncoderSource(request.settings.encoder);
  if (source === null) return { ...request, encoder: null, stateFolder, threads };
  const encoder = source.kind === 'scratch' ? ('scratch' as const) : await place.fetchEncoder(source, signal);
  return { ...request, encoder, stateFolder, threads };
}
