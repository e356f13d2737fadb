import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LlambertError } from '@llambert/domain';
import { isFloat32Readable, openSafetensors, type SafetensorsFile } from '../safetensors.ts';
import { type EncoderConfig, parseEncoderConfig } from './config.ts';
import { checkpointNamesAmong, encoderWeightShapes, type ReadWeights } from './weights.ts';

export interface Checkpoint {
  readonly config: EncoderConfig;
  /** Reads tensors one by one from the files. Throws as `openCheckpoint`, and where values are no finite numbers. */
  readonly readWeights: ReadWeights;
  /** What the model's README.md says under `license`; null where it says nothing. */
  readonly licence: string | null;
}

/** Which file has which tensor, of all that a checkpoint has. */
type Whereabouts = ReadonlyMap<string, string>;

const configName = 'config.json';
const weightsName = 'model.safetensors';
const indexName = 'model.safetensors.index.json';

/**
 * An encoder in a folder in the layout of a Hugging Face checkpoint: config.json, and model.safetensors or its index and shards.
 * Heads, poolers and buffers are passed over. Weights of 16 bits become float32 exactly. All of it is checked but the numbers themselves,
 * which are read when they are wanted.
 *
 * Throws `not_found` where a file is missing, `invalid_input` for a model that is not supported, and `corrupt_artifact` where files are
 * damaged or do not belong together; each names the file and says what to do.
 */
export async function openCheckpoint(folder: string): Promise<Checkpoint> {
  const config = await readable(
    folder,
    withTensors(folder, async (own) => own),
  );
  const readWeights: ReadWeights = (names) =>
    readable(
      folder,
      withTensors(folder, (_, found) => readTensors(folder, found, names ?? [...found.keys()])),
    );
  return { config, readWeights, licence: await readLicence(folder) };
}

/**
 * The configuration alone, with its refusals: what a model is can be known before its weights are there. Throws as `openCheckpoint`
 * does.
 */
export async function readEncoderConfig(folder: string): Promise<EncoderConfig> {
  const path = join(folder, configName);
  return readable(
    folder,
    readJson(path, `${folder} holds no model: it has no ${configName}`).then((json) => parseEncoderConfig(json, path)),
  );
}

/** Errors of the file system in words of ours. */
async function readable<T>(folder: string, reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    const systemCode = (error as { code?: unknown } | null)?.code;
    if (error instanceof LlambertError || typeof systemCode !== 'string') throw error;
    throw new LlambertError('invalid_input', `the model in ${folder} cannot be read: ${(error as Error).message}`, {
      facts: { folder },
      cause: error,
    });
  }
}

async function readTensors(folder: string, found: Found, names: readonly string[]): Promise<Map<string, Float32Array>> {
  const weights = new Map<string, Float32Array>();
  for (const canonical of names) {
    const { file, name } = found.get(canonical)!;
    const values = await file.readFloat32(name);
    if (!allFinite(values)) throw mismatch(folder, name, `tensor "${name}" of ${folder} holds values that are no finite numbers`);
    weights.set(canonical, values);
  }
  return weights;
}

/** Where an encoder's tensors are, by their canonical names. */
type Found = ReadonlyMap<string, { readonly file: SafetensorsFile; readonly name: string }>;

/** Opens the files with the weights and checks each tensor's name, type and shape; closes them after `use`. */
async function withTensors<T>(folder: string, use: (config: EncoderConfig, found: Found) => Promise<T>): Promise<T> {
  const configPath = join(folder, configName);
  const config = await readEncoderConfig(folder);
  const whereabouts = await findTensors(folder);
  const nameOf = checkpointNamesAmong(config.family, whereabouts);
  const beyond = nameOf(`encoder.layer.${config.layers}.attention.self.query.weight`);
  if (whereabouts.has(beyond)) {
    throw mismatch(folder, beyond, `${configPath} says ${config.layers} layers, but ${whereabouts.get(beyond)} has more (${beyond})`);
  }

  const files = new Map<string, SafetensorsFile>();
  try {
    const found = new Map<string, { file: SafetensorsFile; name: string }>();
    for (const [canonical, shape] of encoderWeightShapes(config)) {
      const name = nameOf(canonical);
      const fileName = whereabouts.get(name);
      if (fileName === undefined) throw mismatch(folder, name, `${folder} has no tensor "${name}", which ${configPath} asks for`);
      const file = files.get(fileName) ?? (await openSafetensors(join(folder, fileName)).catch(missingShard(folder, fileName)));
      files.set(fileName, file);
      checkTensor(file, folder, fileName, name, shape);
      found.set(canonical, { file, name });
    }
    return await use(config, found);
  } finally {
    for (const file of files.values()) await file.close();
  }
}

/** A loop: the callback of `every` takes a second for BERT's 110 million. */
function allFinite(values: Float32Array): boolean {
  for (let index = 0; index < values.length; index++) if (!Number.isFinite(values[index]!)) return false;
  return true;
}

function checkTensor(file: SafetensorsFile, folder: string, fileName: string, name: string, shape: readonly number[]): void {
  const path = join(folder, fileName);
  const tensor = file.tensors.get(name);
  if (tensor === undefined) throw mismatch(folder, name, `${path} has no tensor "${name}", which ${indexName} says it has`);
  if (!isFloat32Readable(tensor.type)) {
    throw new LlambertError(
      'invalid_input',
      `tensor "${name}" of ${path} is of type ${tensor.type}: read are F32, F16 and BF16, not quantized models`,
      {
        facts: { file: path, tensor: name },
      },
    );
  }
  if (tensor.shape.length !== shape.length || tensor.shape.some((size, axis) => size !== shape[axis])) {
    throw mismatch(folder, name, `tensor "${name}" of ${path} has the shape [${tensor.shape}], and by config.json it is [${shape}]`);
  }
}

/** The tensors of model.safetensors or, where there is none, of the index and its shards. */
async function findTensors(folder: string): Promise<Whereabouts> {
  if (await exists(join(folder, weightsName))) {
    const file = await openSafetensors(join(folder, weightsName));
    await file.close();
    return new Map([...file.tensors.keys()].map((name) => [name, weightsName]));
  }
  const indexPath = join(folder, indexName);
  if (await exists(indexPath)) return readIndex(await readJson(indexPath, `${indexPath} is missing`), indexPath);
  if ((await exists(join(folder, 'pytorch_model.bin'))) || (await exists(join(folder, 'pytorch_model.bin.index.json')))) {
    throw new LlambertError('invalid_input', pickledWeights(folder), { facts: { folder } });
  }
  throw new LlambertError(
    'not_found',
    `${folder} holds no weights: it has neither ${weightsName} nor ${indexName}. Fetch the model again`,
    {
      facts: { folder },
    },
  );
}

/** A pickle runs code of whoever made it when it is read, so it is not read here. */
function pickledWeights(folder: string): string {
  return [
    `${folder} has its weights as pytorch_model.bin only, and such files can run code when they are read. Convert it where you trust it:`,
    '  from transformers import AutoModel',
    `  AutoModel.from_pretrained(${JSON.stringify(folder)}).save_pretrained(${JSON.stringify(folder)}, safe_serialization=True)`,
  ].join('\n');
}

function readIndex(json: unknown, path: string): Whereabouts {
  const map = (json as { weight_map?: unknown } | null)?.weight_map;
  if (map === null || typeof map !== 'object' || Array.isArray(map)) throw corruptFile(path, 'it has no "weight_map"');
  const whereabouts = new Map<string, string>(Object.entries(map));
  for (const [tensor, shard] of whereabouts) {
    // A name with a path in it could lead out of the folder.
    if (typeof shard !== 'string' || !/^\w[\w.-]*\.safetensors$/.test(shard)) {
      throw corruptFile(
        path,
        `it says that "${tensor}" is in ${JSON.stringify(shard)}, which is not the name of a .safetensors file beside it`,
      );
    }
  }
  return whereabouts;
}

function missingShard(folder: string, name: string): (error: unknown) => never {
  return (error) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new LlambertError('not_found', `${folder} lacks ${name}, which ${indexName} names. Fetch the model again`, {
      facts: { file: join(folder, name) },
      cause: error,
    });
  };
}

async function readJson(path: string, ifMissing: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
    throw new LlambertError(
      'not_found',
      `${ifMissing}. Name a folder with a Hugging Face checkpoint, or write hf:<owner>/<name> for a model of the hub`,
      {
        facts: { file: path },
        cause: error,
      },
    );
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw corruptFile(path, `it is not JSON (${(error as Error).message})`);
  }
}

/** `license` in the YAML between the first two lines of three dashes, where it is one word. */
async function readLicence(folder: string): Promise<string | null> {
  const readme = await readFile(join(folder, 'README.md'), 'utf8').catch(() => '');
  const frontMatter = /^\uFEFF?---\r?\n([\s\S]*?)\r?\n---[ \t]*(?:\r?\n|$)/.exec(readme)?.[1] ?? '';
  return /^license:[ \t]*(["']?)([\w.+-]+)\1[ \t]*(#.*)?\r?$/m.exec(frontMatter)?.[2] ?? null;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function corruptFile(path: string, problem: string): LlambertError {
  return new LlambertError('corrupt_artifact', `${path} is damaged: ${problem}. Fetch the model again`, { facts: { file: path } });
}

function mismatch(folder: string, tensor: string, problem: string): LlambertError {
  return new LlambertError(
    'corrupt_artifact',
    `${problem}. Fetch the model again: its config.json and its weights do not belong together`,
    {
      facts: { folder, tensor },
    },
  );
}
