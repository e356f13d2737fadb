import { describe, expect, it } from 'vitest';
import { Calibration as Wire } from '../generated/llambert/model/v1/model.ts';
import { calibrationFromWire, calibrationToWire } from './calibration.ts';

describe('a calibration', () => {
  it('of an older version is read as it was written', () => {
    // method 1, temperature 2, 7 documents, reference 2: all that there was.
    const bytes = Uint8Array.of(0x08, 1, 0x11, 0, 0, 0, 0, 0, 0, 0, 0x40, 0x18, 7, 0x20, 2);
    const read = calibrationFromWire('calibration', Wire.decode(bytes), 3);
    expect(read).toEqual({ method: 'temperature', temperature: 2, documents: 7, reference: 'teacher' });
    expect(Wire.encode(calibrationToWire(read)).finish()).toEqual(bytes);
  });

  it('is refused where a label has no scale or no bias, or one that is no number', () => {
    const wire = calibrationToWire({ method: 'vector', scales: [1, 2], biases: [0, 1], documents: 7, reference: 'teacher' });
    expect(() => calibrationFromWire('calibration', wire, 3)).toThrow('calibration.scales has 2 numbers for 3 labels');
    expect(() => calibrationFromWire('calibration', { ...wire, biases: [0] }, 2)).toThrow('calibration.biases has 1 numbers for 2 labels');
    expect(() => calibrationFromWire('calibration', { ...wire, scales: [1, Number.NaN] }, 2)).toThrow('calibration.scales is NaN');
  });
});
