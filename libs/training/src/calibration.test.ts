import type { LabelSet } from '@llambert/domain';
import { describe, expect, it } from 'vitest';
import { calibrate, calibrated } from './calibration.ts';

const labels: LabelSet = { kind: 'single', names: ['a', 'b'] };
/** Right, but for what is b being taken for a less sure a. */
const targets = Array.from({ length: 400 }, (_, row) => (row % 2 === 0 ? [1, 0] : [0, 1]));
const logits = Float32Array.from(targets.flatMap(([a]) => (a === 1 ? [3, -3] : [1, -1])));

describe('a calibration', () => {
  it('is by label where that helps, and says by how much', async () => {
    const { calibration, explanation, probabilities } = await calibrate(labels, targets, logits, { classWeights: 'none' });
    expect(calibration.method).toBe('vector');
    expect(explanation).toMatch(/^vector scaling: its cross-validated log-loss 0\.\d{4} is below one temperature's 0\.\d{4} by more than/);
    expect(probabilities.every(([a], row) => a! > 0.5 === (row % 2 === 0))).toBe(true);
    expect(calibrated(labels, logits, calibration)[1]![1]).toBeGreaterThan(0.5);
  });

  it('leaves rare labels what balanced class weights gave them', async () => {
    const { calibration, explanation, probabilities } = await calibrate(labels, targets, logits, { classWeights: 'balanced' });
    expect(calibration.method).toBe('temperature');
    expect(explanation).toContain('balanced class weights');
    expect(probabilities).toEqual(calibrated(labels, logits, calibration));
  });

  it('leaves rare labels at the temperature, and says so', async () => {
    const three: LabelSet = { kind: 'single', names: ['a', 'b', 'c'] };
    const wide = (own: readonly number[]) => own.flatMap((value, at) => (at % 2 === 1 ? [value, -5] : [value]));
    const { calibration, explanation } = await calibrate(
      three,
      targets.map(([a, b]) => [a!, b!, 0]),
      Float32Array.from(wide([...logits])),
      { classWeights: 'none' },
    );
    expect(calibration).toMatchObject({ method: 'vector', biases: [expect.any(Number), expect.any(Number), 0] });
    expect(explanation).toMatch(/; 1 of 3 labels have fewer than 10 documents and keep the temperature$/);
    const few = await calibrate(labels, targets.slice(0, 18), logits.slice(0, 36), { classWeights: 'none' });
    expect(few.calibration.method).toBe('temperature');
    expect(few.explanation).toBe('one temperature: no label has the 10 documents that a scale and a bias of its own would take');
  });
});
