import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { float32Tensor, openSafetensors, type SafetensorsFile, saveSafetensors, type Tensor } from '../safetensors.ts';
import { type Moments, zeroMoments } from './adamw.ts';

/** Where a training stands: enough to go on with, and to end with, the same weights as without a stop. */
export interface TrainingState {
  /** Updates done. */
  step: number;
  readonly weights: ReadonlyMap<string, Float32Array>;
  readonly moments: ReadonlyMap<string, Moments>;
  /** The look at the held-out texts that was best so far, and the name under which the weights are kept that did so. */
  best: { readonly step: number; readonly heldOutLoss: number; readonly weights: string } | null;
  /** Looks at the held-out texts since. */
  looksWithoutGain: number;
}

/** A training that has not begun. It changes the weights it begins from in place: they are its own from here on. */
export function freshState(weights: ReadonlyMap<string, Float32Array>): TrainingState {
  const moments = new Map([...weights].map(([name, values]) => [name, zeroMoments(values.length)]));
  return { step: 0, weights, moments, best: null, looksWithoutGain: 0 };
}

/** Part of every training's fingerprint: changes when states do, so that nothing is read that was kept in another form. */
export const stateFormat = 'llambert.training-state.v2';

const factsName = 'training-state.json';
/** Two names in turn: a file that the facts point to is never the one that is written. */
const stateNames = ['training-state-a.safetensors', 'training-state-b.safetensors'] as const;
const bestNames = ['best-weights-a.safetensors', 'best-weights-b.safetensors'] as const;

/** What stands beside the tensors. */
interface Facts extends Pick<TrainingState, 'step' | 'looksWithoutGain' | 'best'> {
  readonly fingerprint: string;
  /** File with the tensors. */
  readonly tensors: string;
}

/**
 * Keeps weights that did best so far, in a file: memory need not have them beside those that are trained. Those that the kept state names
 * stay until it names others.
 * @returns the file's name
 */
export async function keepBest(folder: string, weights: ReadonlyMap<string, Float32Array>): Promise<string> {
  const kept = await readFacts(folder);
  const name = bestNames.find((each) => each !== kept?.best?.weights)!;
  await mkdir(folder, { recursive: true });
  await rm(join(folder, name), { force: true });
  await saveSafetensors(join(folder, name), new Map([...weights].map(([each, values]) => [each, float32Tensor([values.length], values)])));
  return name;
}

/** The weights that were kept under a name. Throws `corrupt_artifact`, and the error of the file system. */
export async function bestWeights(folder: string, name: string): Promise<Map<string, Float32Array>> {
  const file = await openSafetensors(join(folder, name));
  try {
    return await readAll(file, file.tensors.keys(), '');
  } finally {
    await file.close();
  }
}

/**
 * Keeps the state in a folder, which is made where there is none, in the place of the one kept before: whoever reads finds the whole of either, whenever the writer dies.
 * @param fingerprint names all that the training depends on; another training does not take the state for its own
 */
export async function keepState(folder: string, state: TrainingState, fingerprint: string): Promise<void> {
  const tensors = new Map<string, Tensor>();
  const add = (kind: string, name: string, values: Float32Array) => tensors.set(`${kind} ${name}`, float32Tensor([values.length], values));
  for (const [name, values] of state.weights) add('weight', name, values);
  for (const [name, { first, second }] of state.moments) {
    add('first', name, first);
    add('second', name, second);
  }
  const { step, looksWithoutGain, best } = state;
  const former = (await readFacts(folder))?.tensors ?? null;
  const facts: Facts = { fingerprint, step, looksWithoutGain, best, tensors: stateNames.find((name) => name !== former)! };
  await mkdir(folder, { recursive: true });
  await rm(join(folder, facts.tensors), { force: true });
  try {
    await saveSafetensors(join(folder, facts.tensors), tensors);
    await writeFile(join(folder, `${factsName}.new`), JSON.stringify(facts), { flush: true });
  } catch (error) {
    await rm(join(folder, facts.tensors), { force: true });
    throw error;
  }
  await rename(join(folder, `${factsName}.new`), join(folder, factsName));
  const named: readonly unknown[] = [facts.tensors, best?.weights];
  for (const name of [...stateNames, ...bestNames]) if (!named.includes(name)) await rm(join(folder, name), { force: true });
}

/** The state that was kept there for this training; null where there is none, another training's, or one that cannot be read. */
export async function keptState(
  folder: string,
  fingerprint: string,
  shapes: ReadonlyMap<string, readonly number[]>,
): Promise<TrainingState | null> {
  const facts = await readFacts(folder);
  if (facts === null || facts.fingerprint !== fingerprint) return null;
  const { step, looksWithoutGain, best, tensors } = facts;
  // A state only saves time: without it the training begins anew.
  const file = await openSafetensors(join(folder, tensors)).catch(() => null);
  if (file === null) return null;
  try {
    if (best !== null) await (await openSafetensors(join(folder, best.weights))).close();
    const [first, second] = [await readAll(file, shapes.keys(), 'first '), await readAll(file, shapes.keys(), 'second ')];
    const moments = new Map([...first].map(([name, values]) => [name, { first: values, second: second.get(name)! }]));
    return { step, looksWithoutGain, best, moments, weights: await readAll(file, shapes.keys(), 'weight ') };
  } catch {
    return null;
  } finally {
    await file.close();
  }
}

async function readAll(file: SafetensorsFile, names: Iterable<string>, prefix: string): Promise<Map<string, Float32Array>> {
  const values = new Map<string, Float32Array>();
  for (const name of names) values.set(name, await file.readFloat32(`${prefix}${name}`));
  return values;
}

async function readFacts(folder: string): Promise<Facts | null> {
  try {
    return JSON.parse(await readFile(join(folder, factsName), 'utf8')) as Facts;
  } catch {
    return null;
  }
}
