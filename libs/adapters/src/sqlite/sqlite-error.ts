import { LlambertError, toLlambertError } from '@llambert/domain';

// Primary result codes, https://www.sqlite.org/rescode.html
const sqlite = { busy: 5, locked: 6, readOnly: 8, io: 10, corrupt: 11, full: 13, cannotOpen: 14, tooBig: 18, notADatabase: 26 } as const;

/** What node:sqlite threw about a file, as a LlambertError that says what to do; other errors by `toLlambertError`. */
export function sqliteError(error: unknown, file: string): LlambertError {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: string };
  const options = { cause: error, facts: { file } };
  if (code === 'ERR_INVALID_STATE') return new LlambertError('internal', `${file} was closed while in use: ${message}`, options);
  switch (resultCode(error)) {
    case null:
      return toLlambertError(error);
    case sqlite.busy:
    case sqlite.locked:
      return new LlambertError('store_unavailable', `another process keeps ${file} locked: ${message}. It is tried again later`, options);
    case sqlite.io:
      return new LlambertError('store_unavailable', `${file} cannot be read or written: ${message}. Check the disk`, options);
    case sqlite.full:
      return new LlambertError(
        'disk_full',
        `the disk is full, ${file} cannot grow. Free some space and run the same command again`,
        options,
      );
    case sqlite.readOnly:
      return new LlambertError('invalid_input', `${file} cannot be written: ${message}. Give yourself the right to write it`, options);
    case sqlite.cannotOpen:
      return new LlambertError('invalid_input', `${file} cannot be opened: does its folder exist, and may you write there?`, options);
    case sqlite.notADatabase:
      return new LlambertError('invalid_input', `${file} is not a database: move it away, or name another place`, options);
    case sqlite.corrupt:
      return damaged(file, message ?? '', error);
    case sqlite.tooBig:
      return new LlambertError('invalid_input', `a record is larger than ${file} can store: ${message}`, options);
    default:
      return new LlambertError('internal', `SQLite failed on ${file}: ${message}`, options);
  }
}

/** A file whose bytes are not what was written. */
export function damaged(file: string, how: string, cause?: unknown): LlambertError {
  return new LlambertError('corrupt_artifact', `${file} is damaged: ${how}. Restore it, or move it away to start anew`, {
    cause,
    facts: { file },
  });
}

/** Whether another connection holds the lock that was wanted. */
export function isBusy(error: unknown): boolean {
  return resultCode(error) === sqlite.busy;
}

/** SQLite's primary result code (the low byte; the rest tells variants of it apart); null for errors that are not SQLite's. */
function resultCode(error: unknown): number | null {
  const { code, errcode } = (error ?? {}) as { code?: unknown; errcode?: unknown };
  return code === 'ERR_SQLITE_ERROR' && typeof errcode === 'number' ? errcode & 0xff : null;
}
