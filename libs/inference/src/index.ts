export { type ClassifierPool, classifierPool } from './classifier-pool.ts';
export { type PredictingModel, predictionOf } from './prediction.ts';
export { type InferencePorts, inferenceService, passGroup } from './service.ts';
export { serviceName } from './classify-records.ts';
