import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { folderArtifactStore, openArtifact } from '@llambert/adapters/folder';
import { LlambertError, type ModelManifest } from '@llambert/domain';
import type { Command } from 'commander';
import { deadLettersBeside } from '../run/dead-letter-file.ts';
import { labelFile } from '../run/label-file.ts';
import { runPaths } from '../run/run-folder.ts';
import { routesText } from '../terminal/outcome-text.ts';
import type { CommandContext } from './context.ts';
import { positiveInteger } from './numbers.ts';
import { type ReadingFlags, readingOptions, withReadingFlags } from './reading-options.ts';

interface LabelFlags extends ReadingFlags {
  readonly model: string;
  readonly run?: string;
  readonly out: string;
  readonly workers?: number;
}

export function addLabelCommand(program: Command, context: CommandContext): void {
  withReadingFlags(program.command('label'))
    .description('label documents with a model that is there already')
    .requiredOption('--model <dir|digest>', "a model's folder, a run's folder, or a digest (or its beginning) in the run that --run names")
    .option('--run <dir>', 'folder of the run whose models a digest is looked for in')
    .requiredOption(
      '--out <file>',
      'file to write (.jsonl, .csv or .parquet, .gz accepted), or - for standard output; records that cannot be used go to FILE.dead-letters.jsonl',
    )
    .option('--workers <count>', 'threads that classify (default: one for each core)', positiveInteger)
    .action((flags: LabelFlags) =>
      context.execute(async ({ reporter, signal, json }) => {
        const written = flags.out === '-' ? [] : [flags.out, deadLettersBeside(flags.out)].map((path) => resolve(path));
        if (flags.input.some((input) => input !== '-' && written.includes(resolve(input)))) {
          throw new LlambertError('invalid_input', `--out ${flags.out} is the input itself, or its dead letters are: choose another file`);
        }
        const model = await openModel(flags.model, flags.run ?? '.');
        checkPairs(model.manifest, flags.pairField, reporter.notice);
        const counts = await labelFile(
          { model, inputs: flags.input, reading: readingOptions(flags), out: flags.out, workers: flags.workers ?? null },
          reporter,
          signal,
        );
        reporter.end();
        if (json && flags.out !== '-') process.stdout.write(`${JSON.stringify({ ...counts, model: model.digest, file: flags.out })}\n`);
        else
          reporter.notice(
            `${counts.labelled} documents labelled: ${routesText(counts)}; model ${model.digest.slice(0, 12)}${counts.deadLetterFile === null ? '' : `; dead letters in ${counts.deadLetterFile}`}`,
          );
        return 0;
      }),
    );
}

/** A model of pairs is asked about pairs: half of one would get a label that nothing was measured on. */
function checkPairs({ dataset }: ModelManifest, pairField: string | undefined, notice: (message: string) => void): void {
  // A model of an older version does not say what it learned from.
  if (dataset.textPairs === undefined) return;
  if (dataset.textPairs > 0 && pairField === undefined) {
    throw new LlambertError(
      'invalid_input',
      'the model learned from pairs of texts: name the column of the second text with --pair-field (and that of the first with --text-field)',
    );
  }
  if (dataset.textPairs === 0 && pairField !== undefined)
    notice(`the model learned from single texts: what it makes of "${pairField}" was never measured`);
}

/** The model a flag names: a model's folder, the model of a run's folder, or a digest among a run's models. */
async function openModel(name: string, runFolder: string) {
  if (existsSync(join(name, 'manifest.json'))) return openArtifact(name);
  const ofRun = runPaths(name).model;
  if (existsSync(join(ofRun, 'manifest.json'))) return openArtifact(ofRun);
  if (existsSync(name)) {
    throw new LlambertError(
      'not_found',
      `${name} is neither a model's folder nor that of a run with a model: name a run's folder, or the model/ in it`,
    );
  }
  const store = folderArtifactStore(join(runPaths(runFolder).state, 'artifacts'));
  return { digest: name, ...(await store.open(name)) };
}
