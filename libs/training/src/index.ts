export { leastRows } from './dataset.ts';
export { trainerService } from './service.ts';
export { type FetchedEncoder, type TrainingProgress, trainInWorker } from './train-student.ts';
