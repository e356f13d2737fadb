import { setImmediate } from 'node:timers/promises';
import type { CalibrationMap, LabelDistribution, LabelSet, StudentSettings } from '@llambert/domain';
import { type ChosenCalibration, chooseCalibration, probabilities, temperatureCalibration } from '@llambert/statistics';

export interface Calibrated {
  readonly calibration: CalibrationMap;
  /** What was compared, and why this method was taken. */
  readonly explanation: string;
  /** One distribution a document, by a calibration that was not fitted to it as far as that matters. */
  readonly probabilities: LabelDistribution[];
}

/**
 * Calibrates a student by documents that it did not learn from, as its model will be: by one temperature, or by vector scaling where that helps. Under
 * balanced class weights always by a temperature, for a bias for each label would take back what the weights gave to rare ones.
 * @param logits [targets, labels] row by row
 */
export async function calibrate(
  labels: LabelSet,
  targets: readonly LabelDistribution[],
  logits: Float32Array,
  { classWeights }: Pick<StudentSettings, 'classWeights'>,
): Promise<Calibrated> {
  if (classWeights === 'balanced') {
    const calibration = temperatureCalibration(logits, targets.flat(), labels.names.length, labels.kind);
    const explanation = 'one temperature: vector scaling would take back what balanced class weights gave to rare labels';
    return { calibration, explanation, probabilities: calibrated(labels, logits, calibration) };
  }
  const width = labels.names.length;
  // Heartbeats must get through between the folds.
  const chosen = await chooseCalibration(logits, targets.flat(), targets.length, width, labels.kind, () => setImmediate());
  const rows = targets.map((_, row) => Array.from(chosen.probabilities.subarray(row * width, (row + 1) * width)));
  return { calibration: chosen.calibration, explanation: explanationOf(labels, chosen), probabilities: rows };
}

function explanationOf({ names }: LabelSet, { calibration, comparison, rare, fewestOfLabel }: ChosenCalibration): string {
  if (comparison === null)
    return `one temperature: no label has the ${fewestOfLabel} documents that a scale and a bias of its own would take`;
  const [temperature, vector, error] = [comparison.temperatureLogLoss, comparison.vectorLogLoss, comparison.standardError].map((loss) =>
    loss.toFixed(4),
  );
  if (calibration.method === 'temperature') {
    return `one temperature: vector scaling's cross-validated log-loss ${vector} is not below its ${temperature} by more than the standard error ${error}`;
  }
  const kept =
    rare.length === 0
      ? ''
      : `; ${rare.length} of ${names.length} labels have fewer than ${fewestOfLabel} documents and keep the temperature`;
  return `vector scaling: its cross-validated log-loss ${vector} is below one temperature's ${temperature} by more than the standard error ${error}${kept}`;
}

/** @returns one distribution a row of the logits */
export function calibrated(labels: LabelSet, logits: Float32Array, calibration: CalibrationMap): LabelDistribution[] {
  const width = labels.names.length;
  return Array.from({ length: logits.length / width }, (_, row) =>
    Array.from(probabilities(logits, row * width, width, labels.kind, calibration)),
  );
}
