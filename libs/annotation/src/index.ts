export { type ParsedAnswer, parseAnswer } from './parse-answer.ts';
export { worstPrice } from './price.ts';
export { renderRequest } from './prompt.ts';
export { type AnnotateJobPorts, type AnnotateJobResult, annotateJob, annotateJobHandler, recordSamples } from './service.ts';
