export { type Classifier, loadClassifier } from './classifier.ts';
export { readEncoderConfig } from './encoder/checkpoint.ts';
export { checkPretrained, encoderFromScratch, loadPretrained, type PretrainedEncoder } from './encoder/pretrained.ts';
export { saveEncoder } from './encoder-release/save.ts';
export { trainEncoder } from './fine-tuning/train-encoder.ts';
export type { FeatureSet } from './linear/features.ts';
export type { LinearModel } from './linear/model.ts';
export { trainLinear } from './linear/train.ts';
