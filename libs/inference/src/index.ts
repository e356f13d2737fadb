export { classifierPool } from './classifier-pool.ts';
export { serviceName } from './classify-records.ts';
export { inferenceService, passGroup } from './service.ts';
