import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { folderArtifactStore } from '@llambert/adapters/folder';
import { holdLock, openDatabase, sqliteEventLog, sqliteEventLogToRead, sqliteState, sqliteStateToRead } from '@llambert/adapters/sqlite';
import { defaultPrefix } from '@llambert/contracts';
import {
  type ArtifactStore,
  canonicalJson,
  digestOf,
  type EventLog,
  type EventLogReader,
  LlambertError,
  labellingSpecHash,
  type OnRetry,
  settingsHash,
  type Task,
} from '@llambert/domain';
import { systemClock } from '@llambert/platform';
import { makeFolder, removeFolders } from './make-folder.ts';

/** First part of the topics that belong to the folder rather than to one of its loops. */
export const folderPrefix = defaultPrefix;

/** First part of the topics of one of the folder's loops. */
export function loopPrefix(loop: string): string {
  return `${folderPrefix}.${loop}`;
}

/** Where things are in the folder of a run. */
export interface RunPaths {
  readonly folder: string;
  readonly labels: string;
  readonly annotations: string;
  readonly doubted: string;
  readonly deadLetters: string;
  readonly summary: string;
  readonly model: string;
  readonly state: string;
  /** What a long training goes on from after a crash. */
  readonly training: string;
}

export function runPaths(folder: string): RunPaths {
  const at = (name: string) => join(resolve(folder), name);
  return {
    folder: resolve(folder),
    labels: at('labels.jsonl'),
    annotations: at('annotations.jsonl'),
    doubted: at('doubted.jsonl'),
    deadLetters: at('dead-letters.jsonl'),
    summary: at('summary.json'),
    model: at('model'),
    state: at('state'),
    training: at(join('state', 'training')),
  };
}

/** Whether a run in the folder writes this file anew. */
export function isFileOfRun(folder: string, file: string): boolean {
  return Object.values(runPaths(folder)).includes(resolve(file));
}

type State = Awaited<ReturnType<typeof sqliteState>>;

/** A run folder that is looked into, whoever is working there: nothing is written to it. */
export interface RunReader {
  readonly paths: RunPaths;
  readonly eventLog: EventLogReader;
  readonly ledger: State;
  /** The state of one loop. Throws `corrupt_artifact` where it is not there. */
  openLoop(loop: string): Promise<State>;
  /** Throws `busy` where a run began while the folder was read: what was read may not fit together. To be asked when all is read. */
  expectUnchanged(): void;
  close(): Promise<void>;
}

/** An opened run folder: the embedded event log, the ledger and the artifacts, held against a second run. */
export interface RunFolder {
  readonly paths: RunPaths;
  readonly eventLog: EventLog;
  readonly artifacts: ArtifactStore;
  /** Facts and money that outlive a change of the task's settings. */
  readonly ledger: State;
  /**
   * The state of one loop: one task with one set of settings and gold. Throws `corrupt_artifact` where it must be there and is not.
   */
  openLoop(loop: string, options?: { mustExist: boolean }): Promise<State>;
  close(): Promise<void>;
  /** Closes the folder and leaves no trace of it: for a run that has read nothing it can use. Folders that were there stay. */
  discard(): Promise<void>;
}

/** Opens a run's folder to work in it, creating it where it is not there. Throws `busy` where another process has it. */
export async function openRunFolder(folder: string, onRetry: OnRetry = () => undefined): Promise<RunFolder> {
  const paths = runPaths(folder);
  const made = makeFolder(paths.state);
  const lock = holdLock(
    join(paths.state, 'lock'),
    `another llambert is working in ${paths.folder}: wait for it, or give this run a folder of its own`,
  );
  const leave = () => lock.release();
  const wipe = () => {
    // The lock is held to the end, so that nobody else opens what is being removed.
    const names = readdirSync(paths.state).filter((name) => made.length > 0 || !name.startsWith('lock'));
    for (const name of names) rmSync(join(paths.state, name), { recursive: true });
    lock.release();
    removeFolders(made);
  };
  try {
    return await open(paths, onRetry, { leave, wipe });
  } catch (error) {
    if (made.length > 0) wipe();
    else leave();
    throw error;
  }
}

/**
 * Opens the folder of a run to read in it, whoever is working there. Throws `not_found` where it is none, or one that a run is just
 * making.
 */
export async function lookIntoRunFolder(folder: string): Promise<RunReader> {
  const paths = runPaths(folder);
  const at = (name: string) => join(paths.state, name);
  if (!existsSync(at('ledger.db'))) {
    throw new LlambertError('not_found', `${folder} is not the folder of a run: there is no ${join(folder, 'state', 'ledger.db')}`);
  }
  if (!existsSync(at('events.db'))) throw missing(at('events.db'), at('ledger.db'));
  const ledger = sqliteStateToRead(at('ledger.db'));
  const states = [ledger];
  const closeStates = async () => {
    for (const state of states) await state.close();
  };
  try {
    const eventLog = sqliteEventLogToRead(at('events.db'));
    return {
      paths,
      eventLog,
      ledger,
      async openLoop(loop) {
        const file = at(`loop-${loop}.db`);
        if (!existsSync(file)) throw missing(file, at('ledger.db'));
        const state = sqliteStateToRead(file);
        states.push(state);
        return state;
      },
      expectUnchanged() {
        for (const part of [eventLog, ...states]) part.expectUnchanged();
      },
      async close() {
        await closeStates();
        eventLog.close();
      },
    };
  } catch (error) {
    await closeStates();
    throw error;
  }
}

async function open(paths: RunPaths, onRetry: OnRetry, end: { leave: () => void; wipe: () => void }): Promise<RunFolder> {
  const at = (name: string) => join(paths.state, name);
  // The ledger is made last: where it is, there is something to look into.
  const events = openDatabase(at('events.db'));
  const eventLog = sqliteEventLog(events, { clock: systemClock, onRetry });
  // Money that was spent must be known after a power cut, too; everything else can be worked out again.
  const ledger = await sqliteState(at('ledger.db'), { synchronous: 'full' });
  const opened: State[] = [ledger];
  const closeAll = async () => {
    for (const state of opened) await state.close();
    events.close();
  };
  return {
    paths,
    eventLog,
    artifacts: folderArtifactStore(at('artifacts')),
    ledger,
    async openLoop(loop, { mustExist } = { mustExist: false }) {
      const file = at(`loop-${loop}.db`);
      if (mustExist && !existsSync(file)) throw missing(file, at('ledger.db'));
      const state = await sqliteState(file);
      opened.push(state);
      return state;
    },
    async close() {
      await closeAll();
      end.leave();
    },
    async discard() {
      await closeAll();
      end.wipe();
    },
  };
}

function missing(file: string, ledger: string): LlambertError {
  return new LlambertError(
    'corrupt_artifact',
    `${file} is missing: put it back, or begin anew in another folder (--out) with a copy of ${ledger}, which keeps the answers`,
    { facts: { file } },
  );
}

/**
 * Names a loop: what decides the labels that come out. A run with other settings or other gold is another loop over the same
 * documents, which pays only for answers that the cache does not have; how fast the teacher is asked makes no difference.
 */
export function loopName(task: Task, goldDigest: string): string {
  const settings = { ...task.settings, teacher: { ...task.settings.teacher, concurrency: 0, timeoutSeconds: 0 } };
  return digestOf('loop.v1', task.name, labellingSpecHash(task.spec), settingsHash(settings), goldDigest).slice(0, 12);
}

/** Refuses a folder that was begun for another labelling: its labels would be overwritten by answers to another question. */
export async function claimFolderFor(run: RunFolder, task: Task): Promise<void> {
  const identity = canonicalJson({ task: task.name, labellingSpec: labellingSpecHash(task.spec) });
  const known = await run.ledger.run.remember('labelling', identity);
  if (known === identity) return;
  if (known === unclaimed) return run.ledger.run.replace('labelling', identity);
  const other = (JSON.parse(known) as { task: string }).task;
  throw new LlambertError(
    'conflict',
    `${run.paths.folder} holds a run of the task "${other}"${other === task.name ? ' with other labels, guide or examples' : ''}: give this one a folder of its own (--out)`,
  );
}

const unclaimed = '';

/** Lets the folder be used for a mended task: for a run that stopped before there were labels that another labelling could spoil. */
export async function giveUpClaim(run: RunFolder): Promise<void> {
  if ((await run.ledger.run.recall('finished')) === null) await run.ledger.run.replace('labelling', unclaimed);
}
