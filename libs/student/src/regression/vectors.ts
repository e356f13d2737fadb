/** Four sums, because one would wait for each addition before the next. */
export function dot(left: Float64Array, right: Float64Array): number {
  let sum0 = 0;
  let sum1 = 0;
  let sum2 = 0;
  let sum3 = 0;
  let index = 0;
  for (; index + 3 < left.length; index += 4) {
    sum0 += left[index]! * right[index]!;
    sum1 += left[index + 1]! * right[index + 1]!;
    sum2 += left[index + 2]! * right[index + 2]!;
    sum3 += left[index + 3]! * right[index + 3]!;
  }
  for (; index < left.length; index++) sum0 += left[index]! * right[index]!;
  return sum0 + sum1 + sum2 + sum3;
}

/** Sums over the rows of cells [n, K], into `out` [K]. */
export function columnSums(cells: Float64Array, out: Float64Array): void {
  out.fill(0);
  for (let base = 0; base < cells.length; base += out.length) {
    for (let output = 0; output < out.length; output++) out[output]! += cells[base + output]!;
  }
}

export function addScaled(target: Float64Array, addend: Float64Array, scale: number): void {
  for (let index = 0; index < target.length; index++) target[index]! += scale * addend[index]!;
}
