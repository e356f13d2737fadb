import { closeSync, openSync, writeSync } from 'node:fs';
import type { FaultName } from './faults.ts';

/** A call the provider bills. */
export interface BooksEntry {
  readonly id: string;
  /** SHA-256 of the request's body, first 24 hex digits. */
  readonly requestHash: string;
  /** 1 for the first time this body came. */
  readonly attempt: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** What was answered; null: refused, or no usable label. */
  readonly labels: readonly string[] | null;
  readonly fault: FaultName | null;
}

/** The provider's side of the bill. */
export interface Ledger {
  readonly standin: true;
  readonly mode: string;
  readonly billed: { readonly calls: number; readonly promptTokens: number; readonly completionTokens: number };
  /** Calls that were refused and cost nothing, by HTTP status. */
  readonly unbilled: Readonly<Record<string, number>>;
  readonly entries: readonly BooksEntry[];
}

interface Books {
  /** Enters a call; when it returns, the line is in the file. */
  bill(entry: BooksEntry): void;
  refuse(status: number): void;
  ledger(): Ledger;
  close(): void;
}

/** @param file appended to, one JSON object a line; what an earlier server wrote there stays, but is not counted again */
export function openBooks(mode: string, file: string | undefined): Books {
  const descriptor = file === undefined ? null : openSync(file, 'a');
  const entries: BooksEntry[] = [];
  const unbilled: Record<string, number> = {};
  let promptTokens = 0;
  let completionTokens = 0;
  return {
    bill: (entry) => {
      if (descriptor !== null) writeSync(descriptor, `${JSON.stringify(entry)}\n`);
      entries.push(entry);
      promptTokens += entry.promptTokens;
      completionTokens += entry.completionTokens;
    },
    refuse: (status) => {
      unbilled[status] = (unbilled[status] ?? 0) + 1;
    },
    ledger: () => ({
      standin: true,
      mode,
      billed: { calls: entries.length, promptTokens, completionTokens },
      unbilled: { ...unbilled },
      entries: [...entries],
    }),
    close: () => {
      if (descriptor !== null) closeSync(descriptor);
    },
  };
}
