export { annotateJobKind } from './annotate-job.ts';
export { parseAnswer } from './parse-answer.ts';
export { worstPrice } from './price.ts';
export { renderRequest } from './prompt.ts';
export { annotatorService } from './service.ts';
