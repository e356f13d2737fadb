import type { DocumentText } from '../rows.ts';
import { Columns } from './columns.ts';
import { type FeatureExtractor, featureScale, leastDocuments } from './features.ts';

/** Rows of a sparse matrix: row `r` has the entries `starts[r]` to `starts[r + 1]`. */
export interface SparseRows {
  readonly starts: Int32Array;
  readonly columns: Int32Array;
  readonly values: Float32Array;
  /** Columns are numbered below this. */
  readonly width: number;
}

/** How often which feature occurs in which text. `values` are 1 + ln(count); `hashes` name the columns, the most frequent first. */
export interface FeatureCounts extends SparseRows {
  readonly hashes: Int32Array;
}

/** Counts the features of texts one by one; `finish` gives the matrix. */
export class FeatureCounter {
  readonly #extractor: FeatureExtractor;
  readonly #seen = new Columns();
  readonly #starts: number[] = [0];
  #columns = new Int32Array(1 << 16);
  #values = new Float32Array(1 << 16);
  #entries = 0;
  #occurrences = new Int32Array(1 << 16);

  constructor(extractor: FeatureExtractor) {
    this.#extractor = extractor;
  }

  add(document: DocumentText): void {
    const count = this.#extractor.extract(document);
    const hashes = this.#extractor.hashes;
    const start = this.#entries;
    this.#columns = withRoom(this.#columns, start + count);
    let end = start;
    for (let index = 0; index < count; index++) {
      const column = this.#seen.add(hashes[index]!);
      if (column >= this.#occurrences.length) this.#occurrences = withRoom(this.#occurrences, column + 1);
      if (this.#occurrences[column]!++ === 0) this.#columns[end++] = column;
    }
    this.#values = withRoom(this.#values, end);
    for (let entry = start; entry < end; entry++) {
      const column = this.#columns[entry]!;
      this.#values[entry] = 1 + Math.log(this.#occurrences[column]!);
      this.#occurrences[column] = 0;
    }
    this.#entries = end;
    this.#starts.push(end);
  }

  /** The counts, without the features that stand in too few texts. */
  finish(): FeatureCounts {
    const hashes = this.#seen.hashes();
    const frequencies = new Int32Array(hashes.length);
    for (let entry = 0; entry < this.#entries; entry++) frequencies[this.#columns[entry]!]!++;
    const kept = Int32Array.from(frequencies.keys()).filter(
      (column) => frequencies[column]! >= leastDocuments(hashes[column]!, this.#starts.length - 1),
    );
    // Frequent features side by side: the weights that a text touches then share cache lines. Ties by hash, not by order of rows.
    kept.sort((left, right) => frequencies[right]! - frequencies[left]! || hashes[left]! - hashes[right]!);
    const renumbered = new Int32Array(hashes.length).fill(-1);
    for (const [column, old] of kept.entries()) renumbered[old] = column;

    const starts = Int32Array.from(this.#starts);
    let next = 0;
    for (let row = 0; row + 1 < starts.length; row++) {
      const start = this.#starts[row]!;
      const end = this.#starts[row + 1]!;
      starts[row] = next;
      for (let entry = start; entry < end; entry++) {
        const column = renumbered[this.#columns[entry]!]!;
        if (column < 0) continue;
        this.#columns[next] = column;
        this.#values[next++] = this.#values[entry]!;
      }
    }
    starts[starts.length - 1] = next;
    return {
      starts,
      columns: this.#columns.slice(0, next),
      values: this.#values.slice(0, next),
      width: kept.length,
      hashes: Int32Array.from(kept, (old) => hashes[old]!),
    };
  }
}

/**
 * What every column's values are multiplied by: its inverse document frequency over the given rows, ln((1 + n) / (1 + documents)) + 1,
 * times its kind's own scale; 0 for a column that stands in too few of the rows to be used.
 */
export function columnScales({ starts, columns, width, hashes }: FeatureCounts, rows: Int32Array): Float32Array {
  const documents = new Int32Array(width);
  for (const row of rows) for (let entry = starts[row]!; entry < starts[row + 1]!; entry++) documents[columns[entry]!]!++;
  return Float32Array.from(hashes, (hash, column) =>
    documents[column]! < leastDocuments(hash, rows.length)
      ? 0
      : featureScale(hash) * (Math.log((1 + rows.length) / (1 + documents[column]!)) + 1),
  );
}

/** The given rows with every value times its column's scale, each row scaled to length 1; what is 0 is left out. */
export function weighted(counts: SparseRows, rows: Int32Array, scales: Float32Array): SparseRows {
  const starts = new Int32Array(rows.length + 1);
  let most = 0;
  for (const row of rows) most += counts.starts[row + 1]! - counts.starts[row]!;
  const columns = new Int32Array(most);
  const values = new Float32Array(most);
  let next = 0;
  for (const [index, row] of rows.entries()) {
    const start = next;
    let squares = 0;
    for (let entry = counts.starts[row]!; entry < counts.starts[row + 1]!; entry++) {
      const column = counts.columns[entry]!;
      const value = counts.values[entry]! * scales[column]!;
      if (value === 0) continue;
      columns[next] = column;
      values[next++] = value;
      squares += value * value;
    }
    const length = Math.sqrt(squares);
    for (let entry = start; entry < next; entry++) values[entry]! /= length;
    starts[index + 1] = next;
  }
  return { starts, columns: columns.subarray(0, next), values: values.subarray(0, next), width: counts.width };
}

/** The matrix by columns: row `c` of what it returns holds the entries of column `c`, its columns are the rows. */
export function transposed({ starts, columns, values, width }: SparseRows): SparseRows {
  const rows = starts.length - 1;
  const starting = new Int32Array(width + 1);
  for (const column of columns) starting[column + 1]!++;
  for (let column = 0; column < width; column++) starting[column + 1]! += starting[column]!;
  const next = starting.slice();
  const flipped = { starts: starting, columns: new Int32Array(columns.length), values: new Float32Array(columns.length), width: rows };
  for (let row = 0; row < rows; row++) {
    for (let entry = starts[row]!; entry < starts[row + 1]!; entry++) {
      const to = next[columns[entry]!]!++;
      flipped.columns[to] = row;
      flipped.values[to] = values[entry]!;
    }
  }
  return flipped;
}

/** Columns of a dense matrix that one pass over the sparse rows multiplies: as many sums as stay in registers. */
export const blockWidth = 4;

/** rows × a dense matrix [width, outputs], into `out` [rows, outputs]. */
export function multiply(rows: SparseRows, dense: Float64Array, outputs: number, out: Float64Array): void {
  let first = 0;
  for (; first + blockWidth <= outputs; first += blockWidth) multiplyBlock(rows, dense, outputs, first, out);
  for (; first < outputs; first++) multiplyColumn(rows, dense, outputs, first, out);
}

/** `multiply` for one column of the dense matrix. */
function multiplyColumn(
  { starts, columns, values }: SparseRows,
  dense: Float64Array,
  outputs: number,
  first: number,
  out: Float64Array,
): void {
  for (let row = 0; row + 1 < starts.length; row++) {
    const end = starts[row + 1]!;
    let sum = 0;
    for (let entry = starts[row]!; entry < end; entry++) sum += values[entry]! * dense[columns[entry]! * outputs + first]!;
    out[row * outputs + first] = sum;
  }
}

/** `multiply` for `blockWidth` columns: twice as fast as one by one, because each entry is read once for all. */
function multiplyBlock(
  { starts, columns, values }: SparseRows,
  dense: Float64Array,
  outputs: number,
  first: number,
  out: Float64Array,
): void {
  for (let row = 0; row + 1 < starts.length; row++) {
    const end = starts[row + 1]!;
    let sum0 = 0;
    let sum1 = 0;
    let sum2 = 0;
    let sum3 = 0;
    for (let entry = starts[row]!; entry < end; entry++) {
      const value = values[entry]!;
      const cell = columns[entry]! * outputs + first;
      sum0 += value * dense[cell]!;
      sum1 += value * dense[cell + 1]!;
      sum2 += value * dense[cell + 2]!;
      sum3 += value * dense[cell + 3]!;
    }
    const at = row * outputs + first;
    out[at] = sum0;
    out[at + 1] = sum1;
    out[at + 2] = sum2;
    out[at + 3] = sum3;
  }
}

function withRoom<A extends Int32Array | Float32Array>(array: A, length: number): A {
  if (length <= array.length) return array;
  const larger = new (array.constructor as new (length: number) => A)(Math.max(length, 2 * array.length));
  larger.set(array);
  return larger;
}
