import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encoderConfigJson } from '../encoder/config.ts';
import type { TrainedEncoder } from '../encoder/trained.ts';
import { classifierShapes, headBias } from '../encoder/weights.ts';
import { float32Tensor, saveSafetensors, type Tensor } from '../safetensors.ts';
import { configFile, graphFile, readSettings, settingsFile, settingsText, tokenizerFile, weightsFile } from './files.ts';
import { inferenceGraph } from './inference-graph.ts';
import { type Precision, variants } from './precision.ts';
import { quantizedTensors } from './quantize.ts';
import { longestInBatch } from './runs.ts';
import { placedTensors, storedName } from './tensors.ts';

/**
 * Writes an encoder in float32 into an empty folder, and in 8-bit integers beside it. Float32 is released: see `releasePrecision`.
 * Equal encoders give equal bytes. Throws the error of the file system.
 */
export async function saveEncoder(folder: string, encoder: TrainedEncoder): Promise<void> {
  const { config, pooling, pairs, weights, tokenizerJson, maxTokens, truncation } = encoder;
  const labels = weights.get(headBias)!.length;
  await writeFile(join(folder, configFile), `${JSON.stringify(encoderConfigJson(config), null, 2)}\n`);
  await writeFile(join(folder, tokenizerFile), withoutCutsAndPadding(tokenizerJson));
  const shapes = classifierShapes(config, labels);
  const nameOf = storedName(config, 'fp32');
  const floats = new Map([...shapes].map(([name, shape]): [string, Tensor] => [nameOf(name), float32Tensor(shape, weights.get(name)!)]));
  await saveSafetensors(join(folder, weightsFile.fp32), floats);
  await saveSafetensors(join(folder, weightsFile.int8), quantizedTensors(weights, shapes));
  for (const precision of ['fp32', 'int8'] as const) {
    const placed = await placedTensors(folder, config, labels, precision);
    for (const variant of variants)
      await writeFile(join(folder, graphFile(precision, variant)), inferenceGraph(encoder, variant, precision, placed));
  }
  await writeFile(
    join(folder, settingsFile),
    settingsText({ pooling, pairs, labels, maxTokens, truncation, longestInBatch, precision: 'fp32' }),
  );
}

/** Says which precision a saved encoder labels with, once both were tried on it. Where it is float32, the integers' files go. */
export async function releasePrecision(folder: string, precision: Precision): Promise<void> {
  await writeFile(join(folder, settingsFile), settingsText({ ...(await readSettings(folder)), precision }));
  if (precision === 'int8') return;
  for (const file of [weightsFile.int8, ...variants.map((variant) => graphFile('int8', variant))])
    await rm(join(folder, file), { force: true });
}

/** Whoever reads a released tokenizer decides himself: what its model was saved with once would be obeyed in silence. */
function withoutCutsAndPadding(tokenizerJson: string): string {
  return JSON.stringify({ ...JSON.parse(tokenizerJson), truncation: null, padding: null });
}
