import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { goldRole, LlambertError, labelSetOf } from '@llambert/domain';
import type { Command } from 'commander';
import { openGoldLog } from '../gold/gold-log.ts';
import { labelInTerminal } from '../gold/label-session.ts';
import { drawDocuments } from '../reading/draw-documents.ts';
import { noGold, readGoldFor } from '../run/gold.ts';
import { besideTask, readTaskFile } from '../run/task-file.ts';
import { isTerminal } from '../terminal/asker.ts';
import { pressedKeys } from '../terminal/keys.ts';
import type { CommandContext } from './context.ts';
import { positiveInteger, wholeNumber } from './numbers.ts';
import { type ReadingFlags, readingOptions, withReadingFlags } from './reading-options.ts';

interface GoldFlags extends ReadingFlags {
  readonly out: string;
  readonly count: number;
  readonly seed: number;
}

/** Characters of the drawn documents that are held in memory. */
const maxCharacters = 64e6;

export function addGoldCommand(program: Command, context: CommandContext): void {
  withReadingFlags(program.command('gold <task.yaml>'))
    .description("label documents in the terminal that are drawn uniformly: people's labels, with which a run can be certified")
    .requiredOption('--out <file>', 'file of {id, label, sampled} lines to write; one that is there is gone on with')
    .option('--count <documents>', 'how many to draw', positiveInteger, 200)
    .option('--seed <number>', 'another seed draws other documents', wholeNumber, 1)
    .addHelpText(
      'after',
      `
Every label is in the file at once; the same command goes on where it was, and a larger --count goes on with the same draw.
A document that you put off (s) comes again at the end. One that you never label is not in the file: the labels then speak for
documents of the kind that you could label, so put off as few as you can. Nothing of the teacher's is shown.`,
    )
    .action((taskFile: string, flags: GoldFlags) =>
      context.execute(async ({ reporter, signal, json }) => {
        const { task, goldFile } = readTaskFile(taskFile);
        if (!isTerminal() || flags.input.includes('-')) {
          throw new LlambertError(
            'invalid_input',
            'gold needs a terminal to label in, and its input in files: start it by hand, with --input FILE. Labels made elsewhere need no command: write {"id", "label", "sampled"} lines',
          );
        }
        const log = openGoldLog(flags.out);
        try {
          const known = new Set((log.isEmpty() ? noGold : await readGoldFor(task, flags.out, null)).entries.map((entry) => entry.id));
          const draw = await drawDocuments(
            {
              inputs: flags.input,
              reading: readingOptions(flags),
              count: flags.count,
              maxCharacters,
              key: `gold-draw.v1:${task.name}:${flags.seed}`,
            },
            reporter,
            signal,
          );
          const wanted = Math.min(flags.count, draw.total);
          if (draw.documents.length < wanted)
            reporter.notice(`the documents are so long that only ${draw.documents.length} of ${wanted} are drawn`);
          const documents = draw.documents.filter((document) => !known.has(document.id));
          const labelledBefore = draw.documents.length - documents.length;
          const { labelled, putOff, reason } = await labelInTerminal({
            labels: labelSetOf(task.spec),
            question: task.spec.description,
            documents,
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
              `${JSON.stringify({ file: flags.out, labelled: inFile.length, certify, left, putOff, documents: draw.total })}\n`,
            );
          reporter.notice(`\n${inFile.length} labels in ${flags.out} (${labelled} new; ${certify} of them will certify, the others train)`);
          if (left > 0) reporter.notice(`${left} of the draw are left: the same command goes on with them`);
          if (putOff > 0) {
            reporter.notice(
              `${putOff} were put off and have no label: until they have one, the labels say nothing about documents like them`,
            );
          }
          const isNamed = goldFile !== null && resolve(goldFile) === resolve(flags.out);
          reporter.notice(
            isNamed
              ? `${taskFile} names the file: a run uses it`
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
