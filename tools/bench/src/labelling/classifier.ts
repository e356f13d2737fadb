import { loadPretrained, releasePrecision, saveEncoder } from '@llambert/student';

export type Pooling = 'first' | 'mean';
export type Precision = 'fp32' | 'int8';

/** Labels of the made-up head. */
export const labelNames = ['a', 'b'] as const;

/**
 * Writes a checkpoint's encoder with a made-up head as a released model into empty folders, one for each precision. What a head has
 * learned is of no matter to speed; its weights are in `model.safetensors` for the peer to read.
 */
export async function releaseClassifier(
  checkpoint: string,
  folders: Readonly<Record<Precision, string>>,
  { pooling, maxTokens }: { readonly pooling: Pooling; readonly maxTokens: number },
): Promise<void> {
  const { config, readWeights, tokenizerJson } = await loadPretrained(checkpoint);
  const weights = await readWeights();
  const head = new Map([
    ['classifier.weight', madeUp(labelNames.length * config.hiddenSize)],
    ['classifier.bias', madeUp(labelNames.length)],
  ]);
  for (const precision of ['fp32', 'int8'] as const) {
    const encoder = { config, pooling, pairs: false, weights: new Map([...weights, ...head]), tokenizerJson, maxTokens };
    await saveEncoder(folders[precision], { ...encoder, truncation: 'head' });
    await releasePrecision(folders[precision], precision);
  }
}

/** Numbers from -1 to 1, the same in every run (Park & Miller 1988). */
function madeUp(count: number): Float32Array {
  let next = 1;
  return Float32Array.from({ length: count }, () => {
    next = (next * 48_271) % 2_147_483_647;
    return (2 * next) / 2_147_483_647 - 1;
  });
}
