import type { LabelSet } from '@llambert/domain';

/** Outputs that a label set needs: two exclusive labels are one question. */
export function outputCount(labels: LabelSet): number {
  return labels.kind === 'single' && labels.names.length === 2 ? 1 : labels.names.length;
}

/** Logits of labels, [rows, labels], from logits of outputs, [rows, outputs]. One output z becomes the logits -z/2 and z/2. */
export function labelLogits(
  labels: LabelSet,
  outputs: Float64Array,
  out: Float32Array = new Float32Array((outputs.length / outputCount(labels)) * labels.names.length),
): Float32Array {
  if (outputCount(labels) === labels.names.length) {
    out.set(outputs);
    return out;
  }
  for (let row = 0; row < outputs.length; row++) {
    out[2 * row] = -outputs[row]! / 2;
    out[2 * row + 1] = outputs[row]! / 2;
  }
  return out;
}
