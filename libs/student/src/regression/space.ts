/**
 * Where the solver moves: weights W [D, K] and intercepts b [K] of a regression over n rows, held in whatever form makes its steps
 * cheap. A vector is one array whose last K numbers are the intercepts; sums and multiples of vectors are those of their numbers.
 */
export interface Space {
  readonly outputs: number;
  /** n · K: cells of the rows' logits. */
  readonly size: number;
  /** A vector of zeros. */
  vector(): Float64Array;
  intercepts(vector: Float64Array): Float64Array;
  /** Inner product of weights and intercepts. */
  inner(left: Float64Array, right: Float64Array): number;
  /** Inner product of the weights alone. */
  penalty(left: Float64Array, right: Float64Array): number;
  /** The logits of the rows, X W + b, [n, K]. */
  logits(vector: Float64Array, out: Float64Array): void | Promise<void>;
  /** From derivatives by the logits [n, K] to those by weights and intercepts, as a vector: Xᵀ R and the sums of R's columns. */
  pullBack(residuals: Float64Array, out: Float64Array): void | Promise<void>;
  /** Makes `out` the vector that was kept as `near`. */
  place(near: Near, out: Float64Array): void;
  /** W, [D, K]. */
  weights(vector: Float64Array): Float64Array;
}

/** The point of a solution without what depends on the values of the rows. */
export interface Near {
  /** Each row's part in W, [n, K]; where the space is that of the weights, W itself. */
  readonly coefficients: Float64Array;
  /** [K] */
  readonly intercepts: Float64Array;
}
