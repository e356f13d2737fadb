#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { commandContext } from './commands/context.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addEstimateCommand } from './commands/estimate.ts';
import { addExportCommand } from './commands/export.ts';
import { addGoldCommand } from './commands/gold.ts';
import { addInitCommand } from './commands/init.ts';
import { addLabelCommand } from './commands/label.ts';
import { addRunCommand } from './commands/run.ts';
import { addModelsCommand, addStatusCommand } from './commands/status.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };

const program = new Command('llambert')
  .description('Labels millions of texts for the price of a few thousand: a large language model teaches a small student.')
  .version(version)
  .option('--json', 'print results as one JSON object')
  .option('--quiet', 'no progress on stderr')
  .showHelpAfterError()
  .configureHelp({ showGlobalOptions: true })
  .exitOverride((error) => {
    // Help and version are what was asked for; anything else commander refuses is bad usage.
    process.exit(error.exitCode === 0 ? 0 : 2);
  });
const context = commandContext(() => program.opts());
addInitCommand(program, context);
addEstimateCommand(program, context);
addGoldCommand(program, context);
addRunCommand(program, context);
addLabelCommand(program, context);
addExportCommand(program, context);
addStatusCommand(program, context);
addModelsCommand(program, context);
addDoctorCommand(program, context);

await program.parseAsync();
