import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Document, type GoldDraw, goldRole, LlambertError, labelSetOf, type Task } from '@llambert/domain';
import type { Command } from 'commander';
import { openGoldLog } from '../gold/gold-log.ts';
import { labelInTerminal } from '../gold/label-session.ts';
import { drawDocuments } from '../reading/draw-documents.ts';
import { readDoubted } from '../run/doubted-file.ts';
import { noGold, readGoldFor } from '../run/gold.ts';
import { isFileOfRun } from '../run/run-folder.ts';
import { besideTask, readTaskFile } from '../run/task-file.ts';
import { isTerminal } from '../terminal/asker.ts';
import { pressedKeys } from '../terminal/keys.ts';
import type { Reporter } from '../terminal/reporter.ts';
import type { CommandContext } from './context.ts';
import { positiveInteger, wholeNumber } from './numbers.ts';
import { type ReadingFlags, readingOptions, withOptionalReadingFlags } from './reading-options.ts';

interface GoldFlags extends Omit<ReadingFlags, 'input'> {
  readonly input?: readonly string[];
  readonly doubted?: string;
  readonly out: string;
  readonly count: number;
  readonly seed: number;
}

/** Characters of the drawn documents that are held in memory. */
const maxCharacters = 64e6;

export function addGoldCommand(program: Command, context: CommandContext): void {
  withOptionalReadingFlags(program.command('gold <task.yaml>'))
    .description("label documents in the terminal: people's labels, to certify a run with (--input) or to correct the teacher (--doubted)")
    .option('--doubted <dir>', "instead of --input: the teacher's labels that a run in this folder found likely wrong")
    .requiredOption('--out <file>', 'file of {id, label, sampled} lines to write; one that is there is gone on with')
    .option('--count <documents>', 'how many to draw', positiveInteger, 200)
    .option('--seed <number>', 'another seed draws other documents', wholeNumber, 1)
    .addHelpText(
      'after',
      `
Every label is in the file at once; the same command goes on where it was, and a larger --count goes on with the same draw.
A document that you put off (s) comes again at the end. One that you never label is not in the file: the labels then speak for
documents of the kind that you could label, so put off as few as you can. Nothing of the teacher's is shown.
With --doubted the documents are those of DIR/doubted.jsonl, the most doubtful first; label as many as you like. They were chosen, so they
train and never certify: certify with labels of a uniform draw. The same run with this file as its gold learns from them.`,
    )
    .action((taskFile: string, flags: GoldFlags) =>
      context.execute(async ({ reporter, signal, json }) => {
        const { task, goldFile } = readTaskFile(taskFile);
        const source = sourceOf(flags);
        const log = openGoldLog(flags.out);
        try {
          const before = (log.isEmpty() ? noGold : await readGoldFor(task, flags.out, null)).entries;
          const known = new Set(before.map((entry) => entry.id));
          const { documents: all, draw, total } = await source(task, reporter, signal);
          const documents = all.filter((document) => !known.has(document.id));
          const chosen = new Set(before.filter((entry) => entry.draw === 'chosen').map((entry) => entry.id));
          const leftOut = draw === 'uniform' ? all.filter((document) => chosen.has(document.id)).length : 0;
          if (leftOut > 0) {
            reporter.notice(
              `${leftOut} of the documents drawn are in ${flags.out} already because they were chosen, and cannot certify: what the others certify is a little too kind. To certify, draw into a file of its own before labels are chosen`,
            );
          }
          const labelledBefore = all.length - documents.length;
          const { labelled, putOff, reason } = await labelInTerminal({
            labels: labelSetOf(task.spec),
            question: task.spec.description,
            documents,
            draw,
            labelledBefore,
            log,
            keys: pressedKeys(process.stdin, signal),
            print: (text) => process.stderr.write(text),
          });
          const inFile = (log.isEmpty() ? noGold : await readGoldFor(task, flags.out, null)).entries;
          const certify = inFile.filter((entry) => goldRole(task.name, entry.id, entry.draw) === 'certify').length;
          const left = documents.length - labelled;
          if (json)
            process.stdout.write(
              `${JSON.stringify({ file: flags.out, labelled: inFile.length, certify, left, putOff, documents: total })}\n`,
            );
          reporter.notice(`\n${inFile.length} labels in ${flags.out} (${labelled} new; ${certify} of them will certify, the others train)`);
          if (left > 0) reporter.notice(`${left} are left: the same command goes on with them`);
          if (putOff > 0 && draw === 'uniform') {
            reporter.notice(
              `${putOff} were put off and have no label: until they have one, the labels say nothing about documents like them`,
            );
          }
          const isNamed = goldFile !== null && resolve(goldFile) === resolve(flags.out);
          reporter.notice(
            isNamed
              ? `${taskFile} names the file: ${draw === 'uniform' ? 'a run uses it' : 'the same run command now learns from it'}`
              : `for a run: --gold ${flags.out}, or in ${taskFile}  gold: ${besideTask(taskFile, flags.out)}`,
          );
          return reason === 'broken' ? 130 : 0;
        } finally {
          const isEmpty = log.isEmpty();
          log.close();
          if (isEmpty) rmSync(flags.out, { force: true });
        }
      }),
    );
}

/** What a person is to label, and how it was come by. */
interface DocumentsToLabel {
  readonly documents: readonly Document[];
  readonly draw: GoldDraw;
  /** How many there are to draw from. */
  readonly total: number;
}

type Source = (task: Task, reporter: Reporter, signal: AbortSignal) => Promise<DocumentsToLabel>;

/** Where the documents come from. Throws `invalid_input` where the flags do not say, or there is no terminal to label them in. */
function sourceOf(flags: GoldFlags): Source {
  const { input, doubted } = flags;
  const inputs = input ?? [];
  if ((input === undefined) === (doubted === undefined)) {
    throw new LlambertError('invalid_input', 'gold wants either --input FILE, to draw from, or --doubted DIR, the folder of a run');
  }
  if (!isTerminal() || inputs.includes('-')) {
    throw new LlambertError(
      'invalid_input',
      'gold needs a terminal to label in, and its input in files: start it by hand, with --input FILE. Labels made elsewhere need no command: write {"id", "label", "sampled"} lines',
    );
  }
  if (doubted !== undefined && isFileOfRun(doubted, flags.out)) {
    throw new LlambertError('invalid_input', `${flags.out} is a file of the run, which writes it anew: name another file with --out`);
  }
  return async (task, reporter, signal) => {
    if (doubted !== undefined) {
      const documents = readDoubted(doubted, labelSetOf(task.spec).names);
      return { documents, draw: 'chosen', total: documents.length };
    }
    const { documents, total } = await drawDocuments(
      {
        inputs,
        reading: readingOptions({ ...flags, input: inputs }),
        count: flags.count,
        maxCharacters,
        key: `gold-draw.v1:${task.name}:${flags.seed}`,
      },
      reporter,
      signal,
    );
    const wanted = Math.min(flags.count, total);
    if (documents.length < wanted) reporter.notice(`the documents are so long that only ${documents.length} of ${wanted} are drawn`);
    return { documents, draw: 'uniform', total };
  };
}
