import { closeSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import type { DeadLetter } from '@llambert/domain';

/** Bytes of a dead record that are shown. */
const excerptBytes = 1000;

/** A dead letter as scripts read it. */
export function deadLetterRow(letter: DeadLetter): Record<string, unknown> {
  return {
    service: letter.service,
    reason: letter.reason,
    message: letter.message,
    position: letter.position,
    id: letter.documentId,
    record: Buffer.from(letter.record).subarray(0, excerptBytes).toString('utf8'),
  };
}

/** Where the dead letters of a labelled file go. */
export function deadLettersBeside(out: string): string {
  return `${out}.dead-letters.jsonl`;
}

/** A file of dead letters that is there only where there are some, and only when it is whole. */
export interface DeadLetterFile {
  add(letter: DeadLetter): void;
  /** Puts the file in its place, or takes one of a former time away; returns its path, or null where there are no letters. */
  finish(): string | null;
  /** Leaves nothing of what was added; what was there before stays. Does nothing after `finish`. */
  discard(): void;
}

export function deadLetterFile(path: string): DeadLetterFile {
  const unfinished = `${path}.${process.pid}.new`;
  let file: number | null = null;
  const close = () => {
    if (file !== null) closeSync(file);
    file = null;
  };
  return {
    add(letter) {
      file ??= openSync(unfinished, 'w');
      writeSync(file, `${JSON.stringify(deadLetterRow(letter))}\n`);
    },
    finish() {
      const isEmpty = file === null;
      close();
      if (isEmpty) rmSync(path, { force: true });
      else renameSync(unfinished, path);
      return isEmpty ? null : path;
    },
    discard() {
      close();
      rmSync(unfinished, { force: true });
    },
  };
}
