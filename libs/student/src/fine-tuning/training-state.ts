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
  /** The weights that did best on the held-out texts so far. */
  best: { readonly step: number; readonly heldOutLoss: number; readonly weights: ReadonlyMap<string, Float32Array> } | null;
  /** Looks at the held-out texts since. */
  looksWithoutGain: number;
}

/** A training that has not begun, with copies of the weights it begins from. */
export function freshState(weights: ReadonlyMap<string, Float32Array>): TrainingState {
  const moments = new Map([...weights].map(([name, values]) => [name, zeroMoments(values.length)]));
  return { step: 0, weights: copiedWeights(weights), moments, best: null, looksWithoutGain: 0 };
}

export function copiedWeights(weights: ReadonlyMap<string, Float32Array>): Map<string, Float32Array> {
  return new Map([...weights].map(([name, values]) => [name, values.slice()]));
}

/** Part of every training's fingerprint: changes when states do, so that nothing is read that was kept in another form. */
export const stateFormat = 'llambert.training-state.v2';

const factsName = 'training-state.json';
/** Two names in turn: the file that the facts point to is never the one that is written. */
const tensorNames = ['training-state-a.safetensors', 'training-state-b.safetensors'] as const;

/** What stands beside the tensors. */
interface Facts {
  readonly fingerprint: string;
  readonly step: number;
  readonly looksWithoutGain: number;
  readonly best: { readonly step: number; readonly heldOutLoss: number } | null;
  /** File with the tensors. */
  readonly tensors: string;
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
  for (const [name, values] of state.best?.weights ?? []) add('best', name, values);
  const { step, looksWithoutGain } = state;
  const best = state.best && { step: state.best.step, heldOutLoss: state.best.heldOutLoss };
  const former = (await readFacts(folder))?.tensors ?? null;
  const facts: Facts = { fingerprint, step, looksWithoutGain, best, tensors: tensorNames.find((name) => name !== former)! };
  await mkdir(folder, { recursive: true });
  await rm(join(folder, facts.tensors), { force: true });
  try {
    await saveSafetensors(join(folder, facts.tensors), tensors);
    await writeFile(join(folder, `${factsName}.new`), JSON.stringify(facts), { flush: true });
  } catch (error) {
    await removeTensors(folder, former);
    throw error;
  }
  await rename(join(folder, `${factsName}.new`), join(folder, factsName));
  await removeTensors(folder, facts.tensors);
}

/** The state that was kept there for this training; null where there is none, another training's, or one that cannot be read. */
export async function keptState(
  folder: string,
  fingerprint: string,
  shapes: ReadonlyMap<string, readonly number[]>,
): Promise<TrainingState | null> {
  const facts = await readFacts(folder);
  if (facts === null || facts.fingerprint !== fingerprint) return null;
  let file: SafetensorsFile;
  try {
    file = await openSafetensors(join(folder, facts.tensors));
  } catch {
    // A state only saves time: without it the training begins anew.
    return null;
  }
  try {
    const read = async (kind: string) => {
      const weights = new Map<string, Float32Array>();
      for (const name of shapes.keys()) weights.set(name, await file.readFloat32(`${kind} ${name}`));
      return weights;
    };
    const [first, second] = [await read('first'), await read('second')];
    const moments = new Map([...first].map(([name, values]) => [name, { first: values, second: second.get(name)! }]));
    const best = facts.best && { ...facts.best, weights: await read('best') };
    return { step: facts.step, looksWithoutGain: facts.looksWithoutGain, weights: await read('weight'), moments, best };
  } catch {
    return null;
  } finally {
    await file.close();
  }
}

/** Removes a kept state, whole or unfinished. */
export async function dropState(folder: string): Promise<void> {
  await rm(join(folder, factsName), { force: true });
  await rm(join(folder, `${factsName}.new`), { force: true });
  await removeTensors(folder, null);
}

async function readFacts(folder: string): Promise<Facts | null> {
  try {
    return JSON.parse(await readFile(join(folder, factsName), 'utf8')) as Facts;
  } catch {
    return null;
  }
}

/** Removes both files of tensors, or all but one. */
async function removeTensors(folder: string, except: string | null): Promise<void> {
  for (const name of tensorNames) if (name !== except) await rm(join(folder, name), { force: true });
}
