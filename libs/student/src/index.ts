export { type Classification, type Classifier, loadClassifier } from './classifier.ts';
export type { DocumentText, FeatureSet } from './linear/features.ts';
export type { LinearModel } from './linear/model.ts';
export { type LinearSettings, type LinearTraining, type LinearTrainingInput, type TrainingRow, trainLinear } from './linear/train.ts';
