import { type LabelDistribution, type LabelSet, LlambertError } from '@llambert/domain';
import { outputCount } from './label-outputs.ts';
import type { LabelledRow } from './rows.ts';

/** What the outputs of a model are fitted to: n rows, K outputs. */
export interface Goal {
  /**
   * `softmax`: cross-entropy of the K outputs' softmax; `logistic`: the sum of K binary cross-entropies (one-vs-rest; with K = 1 the
   * usual two-class model).
   */
  readonly link: 'softmax' | 'logistic';
  readonly outputs: number;
  /** [n, K] in [0, 1], so they may be soft; for `softmax` each row sums to 1. */
  readonly targets: Float64Array;
  /** [n, K], not negative; for `softmax` equal within a row. */
  readonly weights: Float64Array;
}

/**
 * Checks the rows and lays out their targets and weights, the weights scaled to a mean of 1. `balance` gives every label the same
 * weight in sum, by weights of rows (or cells, for `multi`) and moved targets. `outputs` is the number of labels, or 1 where one output
 * stands for two exclusive labels. Throws `invalid_input` where nothing can be learnt.
 */
export function goalOf(rows: readonly LabelledRow[], labels: LabelSet, balance: boolean, outputs = outputCount(labels)): Goal {
  const binary = outputs < labels.names.length;
  const { mass, total } = labelMasses(rows, labels);
  const present = mass.filter((sum) => sum > 0).length;
  const balanced = (share: number, ways: number) => (!balance || share === 0 ? 1 : total / (ways * share));
  const goal: Goal = {
    link: binary || labels.kind === 'multi' ? 'logistic' : 'softmax',
    outputs,
    targets: new Float64Array(rows.length * outputs),
    weights: new Float64Array(rows.length * outputs),
  };
  for (const [row, { target, weight }] of rows.entries()) {
    // Weighting the classes of a soft target is weighting the row and moving its target:
    // Σ c·t·(-ln p) = (Σ c·t) · Σ (c·t / Σ c·t)·(-ln p).
    const rowWeight = target.reduce((sum, share, label) => sum + share * balanced(mass[label]!, present), 0);
    for (let output = 0; output < outputs; output++) {
      const label = binary ? 1 : output;
      const positive = target[label]! * balanced(mass[label]!, labels.kind === 'multi' ? 2 : present);
      const negative = (1 - target[label]!) * balanced(total - mass[label]!, 2);
      const cellWeight = labels.kind === 'multi' ? positive + negative : rowWeight;
      goal.targets[row * outputs + output] = cellWeight === 0 ? 0 : positive / cellWeight;
      goal.weights[row * outputs + output] = (rows.length / total) * weight * cellWeight;
    }
  }
  return goal;
}

/** The goal of some of the rows. */
export function goalOfRows({ link, outputs, targets, weights }: Goal, rows: Int32Array): Goal {
  return { link, outputs, targets: pickRows(targets, rows, outputs), weights: pickRows(weights, rows, outputs) };
}

/** Some rows of cells [n, K]. */
export function pickRows(cells: Float64Array, rows: Int32Array, outputs: number): Float64Array {
  const picked = new Float64Array(rows.length * outputs);
  for (const [position, row] of rows.entries()) picked.set(cells.subarray(row * outputs, (row + 1) * outputs), position * outputs);
  return picked;
}

/** Sum of the weights, and each label's part in it. */
function labelMasses(rows: readonly LabelledRow[], labels: LabelSet): { mass: Float64Array; total: number } {
  const nothingToLearn = (problem: string) =>
    new LlambertError('invalid_input', `${problem}: annotate more documents, or check the labels and the guide`, {
      facts: { documents: rows.length },
    });
  if (rows.length < 2) throw nothingToLearn(`${rows.length} labelled documents are too few to train on`);
  const mass = new Float64Array(labels.names.length);
  let total = 0;
  for (const [index, { target, weight }] of rows.entries()) {
    checkRow(index, target, weight, labels);
    total += weight;
    for (let label = 0; label < mass.length; label++) mass[label]! += weight * target[label]!;
  }
  if (total === 0) throw nothingToLearn('all labelled documents have the weight 0');
  if (!mass.some((sum) => sum > 0 && sum < total * (1 - 1e-12))) {
    const present = labels.names.filter((_, label) => mass[label]! > 0);
    throw nothingToLearn(`all labelled documents have the same label (${present.join(', ') || 'none'})`);
  }
  return { mass, total };
}

function checkRow(index: number, target: LabelDistribution, weight: number, labels: LabelSet): void {
  const sum = target.reduce((total, share) => total + share, 0);
  const inRange = target.length === labels.names.length && target.every((share) => share >= 0 && share <= 1);
  if (!inRange || (labels.kind === 'single' && Math.abs(sum - 1) > 1e-6)) {
    throw new LlambertError(
      'invalid_input',
      `training row ${index}: its target is not a distribution over the ${labels.names.length} labels; give one probability per label`,
      { facts: { row: index } },
    );
  }
  if (!(weight >= 0 && weight < Infinity)) {
    throw new LlambertError('invalid_input', `training row ${index}: its weight ${weight} is not a number of at least 0`, {
      facts: { row: index },
    });
  }
}
