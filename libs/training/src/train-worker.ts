import { parentPort, workerData } from 'node:worker_threads';
import { toLlambertError } from '@llambert/domain';
import { trainLinear } from '@llambert/student';
import type { TrainedStudent, TrainMessage, TrainRequest } from './train-student.ts';

// The thread that trainInWorker starts: trains the student it was given, and ends.

function say(message: TrainMessage): void {
  parentPort!.postMessage(message);
}

try {
  say({ trained: await train(workerData as TrainRequest) });
} catch (error) {
  const { code, message } = toLlambertError(error);
  say({ error: { code, message } });
}

/** `auto` is the linear student as long as there is no other. */
async function train({ rows, labels, settings, score, folder }: TrainRequest): Promise<TrainedStudent> {
  const { model, outOfFold, crossValidation } = await trainLinear({
    rows,
    labels,
    settings: { features: 'auto', classWeights: settings.classWeights },
    onProgress: (done) => say({ progress: { step: 'linear student', done } }),
  });
  await model.save(folder);
  const scoredLogits = new Float32Array(score.length * labels.names.length);
  model.logits(score, scoredLogits);
  const { features, strength, calibratedLogLoss, accuracy } = crossValidation.chosen;
  return {
    student: 'linear',
    heldOut: { rows: rows.map((_, row) => row), logits: outOfFold.logits, on: 'out-of-fold' },
    scoredLogits,
    training: { features, strength, classWeights: settings.classWeights, folds: crossValidation.folds, calibratedLogLoss, accuracy },
  };
}
