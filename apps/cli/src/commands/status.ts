import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { folderArtifactStore } from '@llambert/adapters/folder';
import { LlambertError } from '@llambert/domain';
import type { Summary } from '@llambert/review';
import type { Command } from 'commander';
import { lookIntoRun } from '../run/look-into-run.ts';
import { runPaths } from '../run/run-folder.ts';
import { evaluationText, reliabilityText } from '../terminal/evaluation-text.ts';
import { studentText } from '../terminal/outcome-text.ts';
import { printSummary } from '../terminal/summary-text.ts';
import type { CommandContext } from './context.ts';

export function addStatusCommand(program: Command, context: CommandContext): void {
  program
    .command('status <dir>')
    .description("where a run is: how many samples are answered, what was spent, how many documents are labelled; a finished run's summary")
    .action((folder: string) =>
      context.execute(async ({ json }) => {
        const paths = expectRun(folder);
        const standing = await lookIntoRun(folder);
        if (standing.step === 'finished' && existsSync(paths.summary)) {
          const summary = JSON.parse(readFileSync(paths.summary, 'utf8')) as Summary;
          if (json) process.stdout.write(`${JSON.stringify(summary)}\n`);
          else printSummary(summary, folder, process.stdout);
          return 0;
        }
        if (json) process.stdout.write(`${JSON.stringify(standing)}\n`);
        else for (const [name, value] of Object.entries(standing)) process.stdout.write(`${name.padEnd(8)} ${value ?? ''}\n`);
        return 0;
      }),
    );
}

export function addModelsCommand(program: Command, context: CommandContext): void {
  program
    .command('models <dir>')
    .description("the models that a run's rounds released, with what each reached")
    .option('--reliability', 'also how often labels of each probability are right')
    .action((folder: string, options: { reliability?: true }) =>
      context.execute(async ({ json }) => {
        const paths = expectRun(folder);
        const models = await folderArtifactStore(join(paths.state, 'artifacts')).list();
        const inUse = existsSync(paths.summary)
          ? ((JSON.parse(readFileSync(paths.summary, 'utf8')) as Summary).model?.digest ?? null)
          : null;
        const rows = models
          .map(({ digest, manifest }) => ({
            digest,
            task: manifest.task,
            round: manifest.round,
            inUse: digest === inUse,
            student: manifest.student,
            encoderShare: manifest.ensemble?.encoderShare ?? null,
            annotations: manifest.dataset.annotations,
            agreement: manifest.evaluations.find((evaluation) => evaluation.reference === 'teacher')?.accuracy ?? null,
            accuracy: manifest.evaluations.find((evaluation) => evaluation.reference === 'human')?.accuracy ?? null,
            certified: manifest.routing.certified,
            calibration: manifest.calibration,
            evaluations: manifest.evaluations,
          }))
          .sort((left, right) => left.round - right.round || left.annotations - right.annotations);
        if (json) process.stdout.write(`${JSON.stringify({ models: rows })}\n`);
        else {
          process.stdout.write(
            'digest        round  student                annotations  agreement with teacher  accuracy against people  auto\n',
          );
          for (const row of rows) {
            process.stdout.write(
              `${row.digest.slice(0, 12)}  ${String(row.round).padEnd(5)}  ${studentText(row).padEnd(21)}  ${String(row.annotations).padEnd(11)}  ${share(row.agreement).padEnd(22)}  ${share(row.accuracy).padEnd(23)}  ${row.certified ? 'certified' : 'uncertified'}${row.inUse ? ', in use' : ''}\n`,
            );
            if (options.reliability !== true) continue;
            for (const evaluation of row.evaluations) {
              process.stdout.write(`${[...evaluationText(evaluation), ...reliabilityText(evaluation)].join('\n')}\n`);
            }
          }
        }
        return 0;
      }),
    );
}

function expectRun(folder: string) {
  const paths = runPaths(folder);
  if (existsSync(paths.state)) return paths;
  throw new LlambertError('not_found', `${folder} is not the folder of a run: it has no state/ in it`);
}

function share(value: number | null): string {
  return value === null ? '–' : `${(100 * value).toFixed(1)} %`;
}
