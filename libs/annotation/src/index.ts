export { annotateJobKind } from './annotate-job.ts';
export { type ParsedAnswer, parseAnswer } from './parse-answer.ts';
export { worstPrice } from './price.ts';
export { renderRequest } from './prompt.ts';
export { type AnnotatorPorts, annotatorService } from './service.ts';
