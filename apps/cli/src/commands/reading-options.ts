import type { ReadOptions } from '@llambert/adapters/files';
import { type Command, Option } from 'commander';

/** What the commands that read documents have in common. */
export interface ReadingFlags {
  readonly input: readonly string[];
  readonly inputFormat?: ReadOptions['format'];
  readonly idField?: string;
  readonly textField?: string;
  readonly pairField?: string;
  readonly encoding?: string;
}

const inputFlag = ['--input <file...>', 'files, folders of files, or - for standard input'] as const;

/** Adds the flags that say what to read and how. */
export function withReadingFlags(command: Command): Command {
  return withFormatFlags(command.requiredOption(...inputFlag));
}

/** Adds the same flags for a command that can do without an input: `input` is absent then. */
export function withOptionalReadingFlags(command: Command): Command {
  return withFormatFlags(command.option(...inputFlag));
}

/** Adds the flags that say how to read, for a command that need not read anything. */
export function withFormatFlags(command: Command): Command {
  return command
    .addOption(
      new Option('--input-format <format>', 'found from the name or the content unless given').choices([
        'jsonl',
        'csv',
        'tsv',
        'parquet',
        'text',
      ]),
    )
    .option('--id-field <name>', 'column that holds the document id')
    .option('--text-field <name>', 'column that holds the text')
    .option('--pair-field <name>', 'column that holds the second text of a text pair')
    .option('--encoding <name>', 'character encoding, such as shift_jis; found unless given');
}

/** The flags as the reader takes them. */
export function readingOptions(flags: ReadingFlags): Omit<ReadOptions, 'onNotice' | 'onProgress'> {
  const fields = {
    ...(flags.idField === undefined ? {} : { id: flags.idField }),
    ...(flags.textField === undefined ? {} : { text: flags.textField }),
    ...(flags.pairField === undefined ? {} : { textPair: flags.pairField }),
  };
  return {
    fields,
    ...(flags.inputFormat === undefined ? {} : { format: flags.inputFormat }),
    ...(flags.encoding === undefined ? {} : { encoding: flags.encoding }),
    ...(flags.input.includes('-') ? { stdin: process.stdin } : {}),
  };
}
