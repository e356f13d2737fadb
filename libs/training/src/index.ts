export { kindsOf } from './best-student.ts';
export { leastRows } from './dataset.ts';
export { trainerService } from './service.ts';
export { type FetchedEncoder, type TrainingPlace, type TrainingProgress, type TrainRequest, trainInWorker } from './train-student.ts';
