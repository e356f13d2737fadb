export { leastRows } from './dataset.ts';
export { trainerService } from './service.ts';
export { type TrainingProgress, trainInWorker } from './train-student.ts';
