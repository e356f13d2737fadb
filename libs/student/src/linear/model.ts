import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type LabelSet, LlambertError } from '@llambert/domain';
import { labelLogits, outputCount } from '../label-outputs.ts';
import type { DocumentText } from '../rows.ts';
import { float32Tensor, float32Values, int32Tensor, int32Values, readSafetensors, type Tensor, writeSafetensors } from '../safetensors.ts';
import { Columns } from './columns.ts';
import { FeatureExtractor, type FeatureSet } from './features.ts';

const settingsFile = 'linear.json';
const weightsFile = 'linear.safetensors';
/** Changes whenever a text's features or their hashes do: weights of another version would be silently wrong. */
const format = 'llambert.linear.v1';

export interface LinearWeights {
  readonly features: FeatureSet;
  /** Hashes of the D features that training saw, the most frequent first. */
  readonly hashes: Int32Array;
  /** [D, 1 + outputs]: what a feature's occurrences are multiplied by (see `columnScales`), then its weights. Side by side, to be read at once. */
  readonly table: Float32Array;
  /** [outputs] */
  readonly intercepts: Float32Array;
}

/** TF-IDF features times weights. Not for use by two callers at once; give each thread its own. */
export class LinearModel {
  readonly #labels: LabelSet;
  readonly #weights: LinearWeights;
  readonly #extractor: FeatureExtractor;
  readonly #columns: Columns;
  /** Occurrences in the text at hand, by column; all 0 between texts. */
  readonly #occurrences: Int32Array;
  readonly #touched: Int32Array;

  constructor(labels: LabelSet, weights: LinearWeights, columns = new Columns(weights.hashes)) {
    this.#labels = labels;
    this.#weights = weights;
    this.#extractor = new FeatureExtractor(weights.features);
    this.#columns = columns;
    this.#occurrences = new Int32Array(columns.size);
    this.#touched = new Int32Array(columns.size);
  }

  /** Logits of every label of every document, [documents, labels], into `out`. The whole text counts, however long. */
  logits(documents: readonly DocumentText[], out: Float32Array): void {
    const count = this.#labels.names.length;
    const outputs = new Float64Array(outputCount(this.#labels));
    for (const [row, document] of documents.entries()) {
      this.#outputs(document, outputs);
      labelLogits(this.#labels, outputs, out.subarray(row * count, (row + 1) * count));
    }
  }

  #outputs(document: DocumentText, sums: Float64Array): void {
    const count = this.#extractor.extract(document);
    const hashes = this.#extractor.hashes;
    const columns = this.#columns;
    const occurrences = this.#occurrences;
    const touched = this.#touched;
    let distinct = 0;
    for (let index = 0; index < count; index++) {
      const column = columns.find(hashes[index]!);
      if (column >= 0 && occurrences[column]!++ === 0) touched[distinct++] = column;
    }
    const { table, intercepts } = this.#weights;
    const outputs = sums.length;
    sums.fill(0);
    let squares = 0;
    for (let index = 0; index < distinct; index++) {
      const column = touched[index]!;
      const occurred = occurrences[column]!;
      occurrences[column] = 0;
      const at = column * (outputs + 1);
      const value = (occurred === 1 ? 1 : 1 + Math.log(occurred)) * table[at]!;
      squares += value * value;
      for (let output = 0; output < outputs; output++) sums[output]! += value * table[at + 1 + output]!;
    }
    const scale = squares === 0 ? 0 : 1 / Math.sqrt(squares);
    for (let output = 0; output < outputs; output++) sums[output] = sums[output]! * scale + intercepts[output]!;
  }

  /** Writes `linear.json` and `linear.safetensors` into a folder that exists. Equal models give equal bytes. */
  async save(folder: string): Promise<void> {
    const { features, hashes, table, intercepts } = this.#weights;
    const tensors = new Map<string, Tensor>([
      ['feature_hashes', int32Tensor([hashes.length], hashes)],
      ['feature_scales_and_weights', float32Tensor([hashes.length, 1 + intercepts.length], table)],
      ['intercepts', float32Tensor([intercepts.length], intercepts)],
    ]);
    await writeFile(join(folder, settingsFile), `${JSON.stringify({ format, features }, null, 2)}\n`);
    await writeFile(join(folder, weightsFile), writeSafetensors(tensors));
  }
}

/** Reads what `save` wrote. Throws `corrupt_artifact` where the files are missing, damaged, or not of this label set. */
export async function loadLinearModel(folder: string, labels: LabelSet): Promise<LinearModel> {
  const settings = join(folder, settingsFile);
  const source = join(folder, weightsFile);
  const features = readSettings(settings, (await contents(settings)).toString('utf8'));
  const tensors = readSafetensors(await contents(source), source);
  const width = tensors.get('feature_hashes')?.shape[0] ?? 0;
  const outputs = outputCount(labels);
  const tensor = (name: string, type: Tensor['type'], shape: readonly number[]): Tensor => {
    const found = tensors.get(name);
    if (found?.type !== type || found.shape.join() !== shape.join()) {
      throw corrupt(source, `its tensor "${name}" is not ${type} of shape [${shape.join(', ')}], which ${labels.names.length} labels need`);
    }
    return found;
  };
  const numbers = (name: string, shape: readonly number[]) => {
    const values = float32Values(tensor(name, 'F32', shape));
    if (!values.every(Number.isFinite)) throw corrupt(source, `its tensor "${name}" holds what is not a finite number`);
    return values;
  };
  const hashes = int32Values(tensor('feature_hashes', 'I32', [width]));
  const table = numbers('feature_scales_and_weights', [width, 1 + outputs]);
  const columns = new Columns(hashes);
  if (columns.size !== width) throw corrupt(source, 'it names a feature twice');
  return new LinearModel(labels, { features, hashes, table, intercepts: numbers('intercepts', [outputs]) }, columns);
}

function readSettings(source: string, text: string): FeatureSet {
  let settings: { format?: unknown; features?: unknown } | null;
  try {
    settings = JSON.parse(text);
  } catch (cause) {
    throw corrupt(source, 'it is not JSON', cause);
  }
  if (settings?.format !== format) throw corrupt(source, `its format is not ${format}`);
  const { features } = settings;
  if (features !== 'words' && features !== 'words+chars') throw corrupt(source, 'it names features that do not exist');
  return features;
}

async function contents(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw corrupt(file, 'it cannot be read', cause);
  }
}

function corrupt(file: string, problem: string, cause?: unknown): LlambertError {
  return new LlambertError('corrupt_artifact', `${file} is not part of a usable model: ${problem}. Train or fetch the model again`, {
    facts: { file },
    cause,
  });
}
