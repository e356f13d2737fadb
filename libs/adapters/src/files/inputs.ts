import { readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { LlambertError } from '@llambert/domain';
import { type Format, formatOfName } from './format.ts';
import { unreadable } from './unreadable.ts';

/** One file to read, or standard input. */
export interface InputFile {
  /** Null for standard input. */
  readonly path: string | null;
  /** How messages call it. */
  readonly name: string;
  /** What made-up ids begin with: the same wherever the command is run. */
  readonly idName: string;
  /** Size, null where it is not known before the end. */
  readonly bytes: number | null;
  /** Whether the file is one document rather than one per line: a text below a folder. */
  readonly isOneDocument: boolean;
  /** Given, or told by the name; null: to be found in the content. */
  readonly format: Format | null;
}

/**
 * The files that inputs stand for, in the order they are read: a folder's files come sorted by their path, hidden ones left out.
 * @param inputs paths of files and folders, `-` for standard input
 * @throws LlambertError invalid_input where one is not there, is given twice, or is a folder that cannot be taken as a whole
 */
export async function findInputs(inputs: readonly string[], format?: Format): Promise<InputFile[]> {
  if (inputs.length === 0) throw new LlambertError('invalid_input', 'no input: name a file, a folder, or - for standard input');
  const files: InputFile[] = [];
  for (const input of inputs) files.push(...(await filesOf(input, format ?? null)));
  const seen = new Set<string>();
  for (const file of files) {
    const key = file.path === null ? '-' : resolve(file.path);
    if (seen.has(key)) throw new LlambertError('invalid_input', `${file.name} is given twice`, { facts: { file: file.name } });
    seen.add(key);
  }
  return withDistinctIdNames(files);
}

async function filesOf(input: string, format: Format | null): Promise<InputFile[]> {
  if (input === '-') return [{ path: null, name: 'stdin', idName: 'stdin', bytes: null, isOneDocument: false, format }];
  const found = await stat(input).catch((cause: unknown) => {
    throw unreadable(input, cause);
  });
  if (found.isDirectory()) return filesBelow(input, format);
  const bytes = found.isFile() ? found.size : null;
  return [{ path: input, name: input, idName: basename(input), bytes, isOneDocument: false, format: format ?? formatOfName(input) }];
}

async function filesBelow(folder: string, format: Format | null): Promise<InputFile[]> {
  const found: { relative: string; path: string; bytes: number; format: Format }[] = [];
  const walk = async (prefix: string): Promise<void> => {
    const path = join(folder, prefix);
    const entries = await readdir(path, { withFileTypes: true }).catch((cause: unknown) => {
      throw unreadable(path, cause);
    });
    for (const entry of entries) {
      if (entry.name.startsWith('.')) continue;
      const relative = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
      if (entry.isDirectory()) await walk(relative);
      else if (entry.isFile() || entry.isSymbolicLink()) {
        const { size, isFile } = await sizeOf(join(folder, relative));
        if (isFile) found.push({ relative, path: join(folder, relative), bytes: size, format: format ?? formatOfName(relative) ?? 'text' });
      }
    }
  };
  await walk('');
  if (found.length === 0) {
    throw new LlambertError('invalid_input', `${folder}: the folder holds no files to read (hidden ones do not count)`, {
      facts: { file: folder },
    });
  }
  const text = found.find((file) => file.format === 'text');
  const table = found.find((file) => file.format !== 'text');
  if (text !== undefined && table !== undefined) {
    throw new LlambertError(
      'invalid_input',
      `${folder}: holds texts (${text.relative}) as well as tables (${table.relative}); name the files to read, or say --input-format text`,
      { facts: { file: folder } },
    );
  }
  // By code unit, not by language: the same order on every machine.
  found.sort((left, right) => (left.relative < right.relative ? -1 : 1));
  return found.map(({ relative, path, bytes, format }) => {
    return { path, name: path, idName: relative, bytes, isOneDocument: format === 'text', format };
  });
}

/** Follows links to files; a link to a folder could lead back up, so it is left out like a broken one. */
async function sizeOf(path: string): Promise<{ size: number; isFile: boolean }> {
  const found = await stat(path).catch(() => null);
  return { size: found?.size ?? 0, isFile: found?.isFile() ?? false };
}

/** Names that two files share would make ids that two documents share: then all files are called by their paths. */
function withDistinctIdNames(files: InputFile[]): InputFile[] {
  if (new Set(files.map((file) => file.idName)).size === files.length) return files;
  return files.map((file) => ({ ...file, idName: file.name.replaceAll('\\', '/') }));
}
