import { parentPort, workerData } from 'node:worker_threads';
import { sentError } from '@llambert/domain';
import { stopRunsAt } from '@llambert/student';
import { trainHere } from './students.ts';
import type { TrainMessage, WorkerData } from './train-student.ts';

// The thread that trainInWorker starts: trains the student it was asked for, and ends.

const { request, stopFlag } = workerData as WorkerData;
const say = (message: TrainMessage): void => parentPort!.postMessage(message);

try {
  say({ started: true });
  stopRunsAt(stopFlag);
  say({ trained: await trainHere(request, (progress) => say({ progress })) });
} catch (error) {
  say({ error: sentError(error) });
}
