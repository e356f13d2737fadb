import { parentPort, workerData } from 'node:worker_threads';
import { toLlambertError } from '@llambert/domain';
import { trainHere } from './students.ts';
import type { PlacedRequest, TrainMessage } from './train-student.ts';

// The thread that trainInWorker starts: trains the student it was asked for, and ends.

const say = (message: TrainMessage): void => parentPort!.postMessage(message);

try {
  say({ trained: await trainHere(workerData as PlacedRequest, (progress) => say({ progress })) });
} catch (error) {
  const { code, message } = toLlambertError(error);
  say({ error: { code, message } });
}
