import { mkdirSync, rmdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { LlambertError } from '@llambert/domain';

/**
 * Makes a folder and those above it that are not there; returns the ones it made, the outermost first. One by one, because `recursive`
 * says ENOENT of a file system that cannot be written to. Throws `disk_full` and `invalid_input` with what is wrong where.
 */
export function makeFolder(folder: string): string[] {
  const missing: string[] = [];
  let above = folder;
  while (statSync(above, { throwIfNoEntry: false }) === undefined && dirname(above) !== above) {
    missing.unshift(above);
    above = dirname(above);
  }
  const made: string[] = [];
  try {
    if (!statSync(above).isDirectory()) throw Object.assign(new Error(`${above} is a file`), { code: 'ENOTDIR' });
    for (const path of missing) {
      mkdirSync(path);
      made.push(path);
    }
    return made;
  } catch (cause) {
    removeFolders(made);
    throw refusal(folder, made.at(-1) ?? above, cause as NodeJS.ErrnoException);
  }
}

/** Takes away folders that were made, the innermost first, as far as nothing was put into them. */
export function removeFolders(made: readonly string[]): void {
  try {
    for (const path of made.toReversed()) rmdirSync(path);
  } catch {
    // Somebody else uses it by now.
  }
}

function refusal(folder: string, above: string, cause: NodeJS.ErrnoException): LlambertError {
  if (cause.code === 'ENOSPC' || cause.code === 'EDQUOT') {
    return new LlambertError('disk_full', `the disk that ${folder} is on is full: make room, or choose another --out`, { cause });
  }
  const reasons: Record<string, string> = {
    EROFS: `${above} is on a file system that can only be read`,
    EACCES: `you may not write to ${above}`,
    EPERM: `you may not write to ${above}`,
    ENOENT: `nothing can be made in ${above}`,
    ENOTDIR: `${above} is a file, not a folder`,
    ENAMETOOLONG: 'the name is too long',
  };
  const reason = reasons[cause.code ?? ''] ?? cause.message;
  return new LlambertError('invalid_input', `${folder} cannot be created: ${reason}. Choose another --out`, { cause, facts: { folder } });
}
