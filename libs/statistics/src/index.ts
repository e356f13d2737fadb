export { macroF1 } from './agreement.ts';
export { type CalibrationMap, fitTemperature, probabilities, smoothed } from './calibration.ts';
export { type ChosenCalibration, chooseCalibration } from './choose-calibration.ts';
export { likelyMislabelled } from './confident-learning.ts';
export { clopperPearson } from './intervals.ts';
export { fitPowerLaw } from './learning-curve.ts';
export { agreementThreshold, certifyThreshold } from './risk-control.ts';
export { brierScore, logLosses, reliability } from './scores.ts';
export { fitVectorScaling } from './vector-scaling.ts';
