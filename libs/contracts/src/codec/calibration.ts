import { type Calibration, LlambertError } from '@llambert/domain';
import { CalibrationMethod, type Calibration as Wire } from '../generated/llambert/model/v1/model.ts';
import { references } from './evaluation.ts';
import { enumeration, finite } from './fields.ts';

const methods = enumeration<Calibration['method'], CalibrationMethod>({
  temperature: CalibrationMethod.CALIBRATION_METHOD_TEMPERATURE,
  vector: CalibrationMethod.CALIBRATION_METHOD_VECTOR,
});

export function calibrationToWire(calibration: Calibration): Wire {
  const { method, documents, reference, explanation = '' } = calibration;
  const vector = calibration.method === 'vector' ? calibration : { scales: [], biases: [] };
  return {
    method: methods.toWire(method),
    temperature: calibration.method === 'temperature' ? calibration.temperature : 0,
    documents,
    reference: references.toWire(reference),
    scales: [...vector.scales],
    biases: [...vector.biases],
    explanation,
  };
}

/**
 * @param field where the calibration stands, for errors
 * @param labels how many labels the model has
 */
export function calibrationFromWire(field: string, wire: Wire, labels: number): Calibration {
  const facts = {
    documents: wire.documents,
    reference: references.fromWire(`${field}.reference`, wire.reference),
    ...(wire.explanation === '' ? {} : { explanation: wire.explanation }),
  };
  const method = methods.fromWire(`${field}.method`, wire.method);
  if (method === 'temperature') return { method, temperature: finite(`${field}.temperature`, wire.temperature), ...facts };
  const oneEach = (name: 'scales' | 'biases') => {
    const values = wire[name];
    if (values.length === labels) return values.map((value) => finite(`${field}.${name}`, value));
    throw new LlambertError('invalid_input', `${field}.${name} has ${values.length} numbers for ${labels} labels`);
  };
  return { method, scales: oneEach('scales'), biases: oneEach('biases'), ...facts };
}
