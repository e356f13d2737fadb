import { resolve, sep } from 'node:path';
import { writeRows } from '@llambert/adapters/files';
import { LlambertError } from '@llambert/domain';
import { type Command, Option } from 'commander';
import { type ExportFormat, exportRows } from '../run/export-rows.ts';
import { lookIntoRunFolder } from '../run/run-folder.ts';
import type { CommandContext } from './context.ts';

export function addExportCommand(program: Command, context: CommandContext): void {
  program
    .command('export <dir>')
    .description("the input's columns with label, probability and route, from the folder of a finished run")
    .addOption(new Option('--format <format>').choices(['jsonl', 'csv', 'parquet']).makeOptionMandatory())
    .requiredOption('--out <file>', 'file to write, or - for standard output')
    .action((folder: string, flags: { format: ExportFormat; out: string }) =>
      context.execute(async ({ reporter, json }) => {
        const run = await lookIntoRunFolder(folder);
        try {
          if (flags.out !== '-' && `${resolve(flags.out)}${sep}`.startsWith(`${run.paths.folder}${sep}`)) {
            throw new LlambertError(
              'invalid_input',
              `--out ${flags.out} is inside the folder of the run, whose files are the run's own: choose another place`,
            );
          }
          reporter.step('exporting');
          const { columns, rows } = await exportRows(run, flags.format);
          const written = await writeRows(flags.out, flags.format, columns, rows);
          if (json && flags.out !== '-') process.stdout.write(`${JSON.stringify({ rows: written, file: flags.out })}\n`);
          else reporter.notice(`${written} rows in ${flags.out}`);
          return 0;
        } finally {
          await run.close();
        }
      }),
    );
}
