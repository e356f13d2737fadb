export { macroF1 } from './agreement.ts';
export { brierScore, fitTemperature, probabilities, reliability } from './calibration.ts';
export { likelyMislabelled } from './confident-learning.ts';
export { clopperPearson } from './intervals.ts';
export { fitPowerLaw } from './learning-curve.ts';
export { agreementThreshold, certifyThreshold } from './risk-control.ts';
