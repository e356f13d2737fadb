export { type Classifier, loadClassifier } from './classifier.ts';
export type { FeatureSet } from './linear/features.ts';
export type { LinearModel } from './linear/model.ts';
export { trainLinear } from './linear/train.ts';
