import { closeSync, existsSync, fstatSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { LlambertError } from '@llambert/domain';

/** A gold file that grows a line at a time: what was labelled is in it at once. */
export interface GoldLog {
  isEmpty(): boolean;
  append(line: object): void;
  /** Takes back the last line that was appended here; false where there is none left. */
  undo(): boolean;
  close(): void;
}

/**
 * Opens a gold file to go on with it, or begins one. A last line that a crash cut off is taken out.
 * @throws LlambertError `invalid_input` where the file cannot be written
 */
export function openGoldLog(file: string): GoldLog {
  let handle: number;
  try {
    mendLastLine(file);
    handle = openSync(file, 'a');
  } catch (error) {
    throw new LlambertError('invalid_input', `${file} cannot be written: ${(error as Error).message}`, { facts: { file }, cause: error });
  }
  const lengthsBefore: number[] = [];
  return {
    isEmpty: () => fstatSync(handle).size === 0,
    append(line) {
      const before = fstatSync(handle).size;
      try {
        writeWhole(handle, `${JSON.stringify(line)}\n`);
      } catch (error) {
        ftruncateSync(handle, before);
        throw error;
      }
      lengthsBefore.push(before);
    },
    undo() {
      const before = lengthsBefore.pop();
      if (before === undefined) return false;
      ftruncateSync(handle, before);
      return true;
    },
    close: () => closeSync(handle),
  };
}

function writeWhole(handle: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let written = 0; written < bytes.length; ) written += writeSync(handle, bytes, written);
}

/** Makes the file end with a line end: completes a last line that lacks nothing else, takes out one that is cut off. */
function mendLastLine(file: string): void {
  if (!existsSync(file)) return;
  const content = readFileSync(file);
  const end = content.lastIndexOf(0x0a) + 1;
  if (end === content.length) return;
  const handle = openSync(file, 'r+');
  try {
    if (isJson(content.subarray(end).toString('utf8'))) writeSync(handle, '\n', content.length);
    else ftruncateSync(handle, end);
  } finally {
    closeSync(handle);
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
