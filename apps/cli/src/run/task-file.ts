import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { parseTaskYaml } from '@llambert/contracts';
import { type GoldDraw, LlambertError, type Task } from '@llambert/domain';

export interface TaskFile {
  readonly task: Task;
  readonly goldFile: string | null;
  /** How the gold file's documents were drawn, where the task says so. */
  readonly goldDraw: GoldDraw | null;
}

/** Reads a task.yaml; the path of its gold file is resolved beside it. */
export function readTaskFile(file: string): TaskFile {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'is not there' : `cannot be read: ${(error as Error).message}`;
    throw new LlambertError('invalid_input', `the task file ${file} ${reason}. "llambert init" writes one`, { cause: error });
  }
  const { task, goldFile, goldDraw } = parseTaskYaml(text, { fileName: file });
  return { task, goldDraw, goldFile: goldFile === null ? null : resolve(dirname(file), goldFile) };
}

/** A path as the task file has to write it: from the folder in which it lies, with slashes. */
export function besideTask(taskFile: string, path: string): string {
  return relative(dirname(resolve(taskFile)), resolve(path))
    .split(sep)
    .join('/');
}

/** A gold file with the usual name that lies beside a task which names none; null: there is none. */
export function unnamedGold(taskFile: string): string | null {
  return ['gold.jsonl', 'gold.csv'].map((name) => join(dirname(taskFile), name)).find((path) => existsSync(path)) ?? null;
}
