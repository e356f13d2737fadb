import { LlambertError } from '@llambert/domain';
import type { Command } from 'commander';
import { encoderFetcher } from '../run/fetch-encoder.ts';
import { noGold, readGoldFor } from '../run/gold.ts';
import { apiKeyOf } from '../run/loop.ts';
import { runTask } from '../run/run.ts';
import { isFileOfRun } from '../run/run-folder.ts';
import { besideTask, readTaskFile, unnamedGold } from '../run/task-file.ts';
import { printSummary } from '../terminal/summary-text.ts';
import type { CommandContext } from './context.ts';
import { positiveInteger } from './numbers.ts';
import { type ReadingFlags, readingOptions, withReadingFlags } from './reading-options.ts';

interface RunFlags extends ReadingFlags {
  readonly out: string;
  readonly gold?: string;
  readonly workers?: number;
  readonly patience: number;
}

export function addRunCommand(program: Command, context: CommandContext): void {
  withReadingFlags(program.command('run <task.yaml>'))
    .description('the whole loop: the teacher labels a sample, a student learns from it and labels the rest')
    .requiredOption('--out <dir>', 'folder for the labels and everything the run must remember; the same command goes on where it was')
    .option('--gold <file>', "people's labels, instead of the task's gold file")
    .option('--workers <count>', 'threads that classify (default: one for each core)', positiveInteger)
    .option('--patience <seconds>', 'how long the teacher may be away before the run stops', positiveInteger, 120)
    .action((taskFile: string, flags: RunFlags) =>
      context.execute(async ({ reporter, signal, json }) => {
        const { task, goldFile, goldDraw } = readTaskFile(taskFile);
        const gold = flags.gold ?? goldFile;
        if (gold !== null && isFileOfRun(flags.out, gold)) {
          throw new LlambertError(
            'invalid_input',
            `${gold} is a file of this run, which writes it anew, and its labels are the teacher's: label into another file, with llambert gold ${taskFile} --doubted ${flags.out} --out gold.jsonl`,
          );
        }
        const unnamed = gold === null ? unnamedGold(taskFile) : null;
        if (unnamed !== null) {
          reporter.notice(
            `${unnamed} lies beside the task, but the task does not name it, so its labels count for nothing. To use them: --gold ${unnamed}, or in ${taskFile}  gold: ${besideTask(taskFile, unnamed)}`,
          );
        }
        const summary = await runTask(
          {
            task,
            gold: gold === null ? noGold : await readGoldFor(task, gold, goldDraw),
            inputs: flags.input,
            reading: readingOptions(flags),
            out: flags.out,
            apiKey: apiKeyOf(task, process.env),
            fetchEncoder: encoderFetcher(taskFile, process.env, reporter),
            workers: flags.workers ?? null,
            patienceSeconds: flags.patience,
          },
          reporter,
          signal,
        );
        reporter.end();
        if (json) process.stdout.write(`${JSON.stringify(summary)}\n`);
        else printSummary(summary, flags.out, process.stdout);
        if (summary.outcome === 'labelled') return 0;
        return summary.roundsEnd === 'budget_exhausted' ? 3 : 2;
      }),
    );
}
