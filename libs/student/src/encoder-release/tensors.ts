import { join } from 'node:path';
import { LlambertError } from '@llambert/domain';
import type { EncoderConfig } from '../encoder/config.ts';
import { checkpointNames, classifierShapes } from '../encoder/weights.ts';
import { openSafetensors, type StoredTensor, type TensorType } from '../safetensors.ts';
import { corrupt, weightsFile } from './files.ts';
import type { PlacedTensor, PlacedTensors, Precision } from './precision.ts';
import { quantizedLayout } from './quantize.ts';

/** A tensor's name in the weights file of a precision: in float32 what Hugging Face calls it, in ours the canonical one. */
export function storedName(config: EncoderConfig, precision: Precision): (canonical: string) => string {
  return precision === 'fp32' ? checkpointNames(config.family) : (canonical) => canonical;
}

/** Where the tensors of a precision lie in the folder's weights file. Throws `corrupt_artifact` where they are not the classifier's. */
export async function placedTensors(folder: string, config: EncoderConfig, labels: number, precision: Precision): Promise<PlacedTensors> {
  const file = weightsFile[precision];
  const path = join(folder, file);
  const stored = await storedTensors(path);
  const nameOf = storedName(config, precision);
  const shapes = classifierShapes(config, labels);
  const expected = precision === 'int8' ? quantizedLayout(shapes) : floatLayout(shapes);
  const placed = new Map<string, PlacedTensor>();
  for (const [canonical, { type, shape }] of expected) {
    const tensor = stored.get(nameOf(canonical));
    if (tensor?.type !== type || tensor.shape.join() !== shape.join()) {
      throw corrupt(
        path,
        `its tensor "${nameOf(canonical)}" is not ${type} of shape [${shape.join(', ')}], as config.json and ${labels} labels ask for`,
      );
    }
    placed.set(canonical, { ...tensor, file });
  }
  return placed;
}

function floatLayout(shapes: ReadonlyMap<string, readonly number[]>): Map<string, { type: TensorType; shape: readonly number[] }> {
  return new Map([...shapes].map(([name, shape]) => [name, { type: 'F32', shape }]));
}

async function storedTensors(path: string): Promise<ReadonlyMap<string, StoredTensor>> {
  const file = await openSafetensors(path).catch((cause) => {
    throw cause instanceof LlambertError ? cause : corrupt(path, 'it cannot be read', cause);
  });
  await file.close();
  return file.tensors;
}
