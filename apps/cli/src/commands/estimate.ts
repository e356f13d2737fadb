import { availableParallelism } from 'node:os';
import { openAiTeacher } from '@llambert/adapters/openai';
import type { Command } from 'commander';
import { estimateOf } from '../estimate/estimate.ts';
import { estimateText } from '../estimate/estimate-text.ts';
import { measureEncoders } from '../estimate/measure-encoder.ts';
import { measurePrompts } from '../estimate/measure-prompts.ts';
import { measureStudents } from '../estimate/measure-student.ts';
import { measureTeacher } from '../estimate/measure-teacher.ts';
import { drawDocuments } from '../reading/draw-documents.ts';
import { encoderFetcher, prepareEncoder } from '../run/fetch-encoder.ts';
import { apiKeyOf } from '../run/loop.ts';
import { readTaskFile } from '../run/task-file.ts';
import type { CommandContext } from './context.ts';
import { amount, positiveInteger } from './numbers.ts';
import { type ReadingFlags, readingOptions, withReadingFlags } from './reading-options.ts';

interface EstimateFlags extends ReadingFlags {
  readonly ask?: number;
  readonly personUsdPerHour: number;
  readonly personSecondsPerDocument: number;
  readonly wattsPerCore: number;
  readonly teacherWatts?: number;
}

/** Documents that are measured; prompts, whose tokens are slow to count, on the first of them. */
const documentsMeasured = 2000;
const promptsMeasured = 300;
/** Characters of the drawn documents that are held in memory. */
const maxCharacters = 32e6;

export function addEstimateCommand(program: Command, context: CommandContext): void {
  withReadingFlags(program.command('estimate <task.yaml>'))
    .description('what labelling would cost in money, time and energy: by the teacher, by people, by a student (measured here)')
    .option(
      '--ask <documents>',
      'ask the teacher about that many documents, which costs money, to measure its time and tokens',
      positiveInteger,
    )
    .option('--person-usd-per-hour <usd>', 'what an hour of a person who labels costs', amount, 25)
    .option('--person-seconds-per-document <seconds>', 'how long a person takes for a document', amount, 10)
    .option('--watts-per-core <watts>', 'power of a core of this machine at work', amount, 15)
    .option('--teacher-watts <watts>', 'power of the machine that the teacher runs on, for its energy (with --ask)', amount)
    .action((taskFile: string, flags: EstimateFlags) =>
      context.execute(async ({ reporter, signal, json }) => {
        const { task } = readTaskFile(taskFile);
        const { baseUrl } = task.settings.teacher;
        const teacher = flags.ask === undefined ? null : openAiTeacher({ baseUrl, apiKey: apiKeyOf(task, process.env) });
        const draw = await drawDocuments(
          { inputs: flags.input, reading: readingOptions(flags), count: documentsMeasured, maxCharacters, key: `estimate.v1:${task.name}` },
          reporter,
          signal,
        );
        reporter.notice('measuring …');
        const prompts = await measurePrompts(task, draw.documents.slice(0, promptsMeasured));
        const fetch = encoderFetcher(taskFile, process.env, reporter);
        await prepareEncoder(task.settings.student, fetch, signal);
        const students = [
          ...(await measureStudents(draw.documents, signal)),
          ...(await measureEncoders(draw.documents, task, fetch, signal)),
        ];
        const asked = teacher === null ? null : await measureTeacher(task, draw.documents.slice(0, flags.ask), teacher, signal);
        const estimate = estimateOf(
          task,
          { documents: draw.total, prompts, students, teacher: asked },
          {
            personUsdPerHour: flags.personUsdPerHour,
            personSecondsPerDocument: flags.personSecondsPerDocument,
            wattsPerCore: flags.wattsPerCore,
            cores: availableParallelism(),
            teacherWatts: flags.teacherWatts ?? null,
          },
        );
        process.stdout.write(json ? `${JSON.stringify(estimate)}\n` : estimateText(estimate));
        return 0;
      }),
    );
}
