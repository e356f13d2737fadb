import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matrixRange, quantizeRows as quantized, tableRange } from './quantize.ts';

const quantizeRows = (matrix: Float32Array, rows: number) => quantized(matrix, rows, tableRange);

/** A matrix of 32-bit floats, some of them huge, tiny or 0. */
const matrix = fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 9 })).chain(([rows, columns]) =>
  fc
    .array(fc.oneof(fc.float({ noNaN: true, noDefaultInfinity: true }), fc.constant(0), fc.float({ min: -1, max: 1, noNaN: true })), {
      minLength: rows * columns,
      maxLength: rows * columns,
    })
    .map((values) => ({ rows, columns, values: Float32Array.from(values) })),
);

const tiniest = 2 ** -149;

describe('quantizeRows', () => {
  it('is off by half a scale at most', () => {
    fc.assert(
      fc.property(matrix, ({ rows, columns, values }) => {
        const actual = quantizeRows(values, rows);
        for (const [at, value] of values.entries()) {
          const scale = actual.scales[Math.floor(at / columns)]!;
          // A scale near the smallest of all floats is itself rounded, by up to half of that for each of 127 steps.
          const bound = scale / 2 + Math.abs(value) * 1e-6 + 64 * tiniest;
          expect(Math.abs(value - actual.values[at]! * scale)).toBeLessThanOrEqual(bound);
        }
      }),
    );
  });

  it('uses the whole range in each row, and it is symmetric', () => {
    fc.assert(
      fc.property(matrix, ({ rows, columns, values }) => {
        const actual = quantizeRows(values, rows);
        for (let row = 0; row < rows; row++) {
          const own = values.subarray(row * columns, (row + 1) * columns);
          const greatest = Math.max(...own.map(Math.abs));
          const range = Math.max(...[...actual.values.subarray(row * columns, (row + 1) * columns)].map(Math.abs));
          if (greatest >= 127 * 2 ** -126) expect(range).toBe(127);
          else expect(range).toBeLessThanOrEqual(127);
        }
        const negated = quantizeRows(
          values.map((value) => -value),
          rows,
        );
        expect(negated.scales).toEqual(actual.scales);
        expect(negated.values).toEqual(actual.values.map((value) => -value));
      }),
    );
  });

  it('keeps rows apart: one with large numbers costs the others nothing', () => {
    fc.assert(
      fc.property(matrix, fc.float({ min: 1, max: 2 ** 100, noNaN: true }), ({ rows, columns, values }, large) => {
        const before = quantizeRows(values, rows);
        const after = quantizeRows(Float32Array.from([...values, ...new Array(columns).fill(large)]), rows + 1);
        expect(after.values.subarray(0, values.length)).toEqual(before.values);
        expect(after.scales.subarray(0, rows)).toEqual(before.scales);
      }),
    );
  });

  it('keeps to the range that no processor overflows', () => {
    expect(quantized(Float32Array.of(2, -1), 1, matrixRange)).toEqual({ values: Int8Array.of(64, -32), scales: Float32Array.of(1 / 32) });
    expect(255 * matrixRange * 2).toBeLessThan(2 ** 15);
  });

  it('keeps zeros', () => {
    expect(quantizeRows(Float32Array.of(0, 0, -3, 0), 2)).toEqual({
      values: Int8Array.of(0, 0, -127, 0),
      scales: Float32Array.of(0, 3 / 127),
    });
  });
});
