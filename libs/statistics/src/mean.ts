/**
 * The mean of independent values and its standard error. A choice between two models goes by their paired differences on the same documents: the
 * simpler one unless the other's mean gain is above one standard error (Breiman et al. 1984, "Classification and regression trees", section 3.4.3).
 * @param values at least two
 */
export function meanOf(values: Float64Array): { readonly mean: number; readonly standardError: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, standardError: Math.sqrt(squares / (values.length - 1) / values.length) };
}
