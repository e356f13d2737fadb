import { inUsd } from '@llambert/domain';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { beginTask } from '../asking/begin-task.ts';
import { splitLabels, type TaskFlags } from '../asking/task-answers.ts';
import { reasons } from '../asking/trial-text.ts';
import { isTerminal, terminalAsker } from '../terminal/asker.ts';
import type { CommandContext } from './context.ts';
import { amount, positiveInteger } from './numbers.ts';
import { type ReadingFlags, readingOptions, withFormatFlags } from './reading-options.ts';

interface InitFlags extends Omit<ReadingFlags, 'input'>, TaskFlags {
  readonly input?: readonly string[];
  readonly out: string;
  readonly yes?: boolean;
  readonly force?: boolean;
  readonly try: boolean;
}

export function addInitCommand(program: Command, context: CommandContext): void {
  withFormatFlags(
    program.command('init').option('--input <file...>', 'files or folders to look at: ten of their documents are shown to the teacher'),
  )
    .description('write a commented task.yaml: asks for what the flags do not say, and shows what the teacher makes of ten documents first')
    .option('--task <name>', 'name of the task (default: after the input)')
    .option('--description <text>', 'what the labels say about a document, as a question')
    .option('--labels <a,b>', 'the labels', labelList)
    .addOption(new Option('--kind <kind>', 'exactly one label a document, or any number').choices(['single', 'multi']))
    .option('--base-url <url>', 'OpenAI-compatible API of the teacher, up to and with its version')
    .option('--model <name>', 'the teacher')
    .option('--api-key-env <name>', "environment variable that holds the teacher's key; '' for none")
    .option('--price-input <usd>', "price of a million of the teacher's prompt tokens", amount)
    .option('--price-output <usd>', "price of a million of the teacher's answer tokens", amount)
    .option('--budget <usd>', 'the most that the teacher may cost (5 unless asked)', amount)
    .option('--annotations <count>', 'most documents to annotate (2000 unless given)', positiveInteger)
    .option('--out <file>', 'file to write', 'task.yaml')
    .option('--yes', 'ask nothing: the flags say all, and the file is written')
    .option('--force', 'write over a file that is there')
    .option('--no-try', 'write the file without asking the teacher')
    .action((flags: InitFlags) =>
      context.execute(async ({ reporter, signal, json }) => {
        const { input: inputs = [] } = flags;
        const asker = flags.yes !== true && isTerminal() && !inputs.includes('-') ? terminalAsker(signal) : null;
        const { file, task, trial, cost, readingFlags } = await beginTask(
          {
            flags,
            inputs,
            reading: readingOptions({ ...flags, input: inputs }),
            out: flags.out,
            force: flags.force === true,
            tryTeacher: flags.try,
            environment: process.env,
          },
          { asker, print: (line) => (json ? process.stderr : process.stdout).write(`${line}\n`), notice: reporter.notice, signal },
        );
        if (json) {
          const documents = trial.map(({ document, labels, problem, cost: price }) => ({
            id: document.id,
            labels,
            problem,
            usd: inUsd(price),
          }));
          process.stdout.write(`${JSON.stringify({ file, task: task.name, readingFlags, trial: { documents, usd: inUsd(cost) } })}\n`);
        }
        if (file === null) reporter.notice('nothing was written');
        else {
          const read = [...(inputs.length === 0 ? ['FILE'] : inputs), ...readingFlags].map(shellWord).join(' ');
          reporter.notice(
            `${file} is written: look it over (a guide and examples make better labels), then\n  llambert run ${shellWord(file)} --input ${read} --out ${task.name}`,
          );
        }
        const isUseless = trial.length > 0 && trial.every(({ labels }) => labels === null);
        if (!isUseless || asker !== null) return 0;
        reporter.notice(
          `none of the ${trial.length} answers could be used (${reasons(trial)}): mend ${file ?? 'the task'} or the teacher before a run`,
        );
        return 2;
      }),
    );
}

function labelList(text: string): string[] {
  const labels = splitLabels(text);
  if (labels.length === 0) throw new InvalidArgumentError('expected names with commas between them');
  return labels;
}

function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
