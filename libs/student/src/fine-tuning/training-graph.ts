import { multiply, sum } from '../autodiff/operations.ts';
import { Tape } from '../autodiff/tape.ts';
import { classifier, type EncoderShape } from '../encoder/forward-graph.ts';
import type { Dimension } from '../onnx/graph.ts';
import { type LossSettings, losses } from './loss.ts';

/** Name of the output with the gradient of an input. */
export const gradientOf = (input: string): string => `gradient of ${input}`;

/** An input that wants a dropout mask. */
export interface DropoutInput {
  readonly name: string;
  readonly shape: readonly Dimension[];
  readonly rate: number;
}

/**
 * One step's forward and backward pass. Inputs: the weights, a micro-batch (see `MicroBatch`), `targets` and `weights` [texts, labels],
 * and the dropout masks. Outputs: `loss` (the weighted sum over texts and labels, []), and the gradient of every weight; of the
 * gathered tables it is the gradient of the rows that were given.
 */
export function trainingGraph(
  shape: EncoderShape,
  loss: LossSettings,
): { readonly model: Uint8Array; readonly dropouts: readonly DropoutInput[] } {
  const tape = new Tape();
  const dropouts: DropoutInput[] = [];
  const { logits, inputs } = classifier(tape, shape, (masked, rate) => {
    if (rate === 0) return null;
    const name = `dropout ${dropouts.length}`;
    dropouts.push({ name, shape: masked, rate });
    return tape.input(name, 'float', masked);
  });
  const targets = tape.input('targets', 'float', logits.shape);
  const weights = tape.input('weights', 'float', logits.shape);
  const total = sum(tape, multiply(tape, losses(tape, logits, targets, loss), weights));
  const gradients = tape.gradients(total, [...inputs.values()]);
  tape.output('loss', total);
  for (const [index, name] of [...inputs.keys()].entries()) tape.output(gradientOf(name), gradients[index]!);
  return { model: tape.toBytes(), dropouts };
}
