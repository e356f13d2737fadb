import { expect, it } from 'vitest';
import { documentsPerCpuSecond, together } from './measurement.ts';

it('measurements add up, and keep the order of their texts', () => {
  const all = together([
    { cpuSeconds: 0.5, logOdds: [1, 2] },
    { cpuSeconds: 1.5, logOdds: [3] },
  ]);
  expect(all).toEqual({ cpuSeconds: 2, logOdds: [1, 2, 3] });
  expect(documentsPerCpuSecond(all)).toBe(1.5);
});
