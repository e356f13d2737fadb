import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Document } from '@llambert/domain';
import { type InputColumns, type ReadOptions, readDocuments } from './documents.ts';
import type { ReadItem } from './to-document.ts';

/** A folder for a test's files. */
export interface Scratch {
  readonly folder: string;
  /** Writes a file below the folder; its path. */
  write(name: string, content: string | Uint8Array): string;
  remove(): void;
}

export function scratchFolder(): Scratch {
  const folder = mkdtempSync(join(tmpdir(), 'llambert-files-'));
  return {
    folder,
    write: (name, content) => {
      const path = join(folder, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
      return path;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Everything that a reading gives. */
export interface Read {
  readonly items: ReadItem[];
  readonly documents: Document[];
  /** `reason@line` of each rejected item. */
  readonly rejections: string[];
  readonly notices: string[];
  readonly columns: InputColumns;
}

export async function readAll(inputs: string | readonly string[], options: Partial<ReadOptions> = {}): Promise<Read> {
  const notices: string[] = [];
  const reading = readDocuments(typeof inputs === 'string' ? [inputs] : inputs, {
    fields: {},
    onNotice: (notice) => notices.push(notice),
    ...options,
  });
  const items: ReadItem[] = [];
  for await (const batch of reading) items.push(...batch);
  return {
    items,
    documents: items.flatMap((item) => (item.kind === 'document' ? [item.document] : [])),
    rejections: items.flatMap((item) => (item.kind === 'rejected' ? [`${item.reason}@${item.position.line}`] : [])),
    notices,
    columns: reading.columns(),
  };
}
