import { LlambertError } from '@llambert/domain';
import type { Command } from 'commander';
import { encoderFindings } from '../doctor/encoder-checks.ts';
import type { Finding } from '../doctor/finding.ts';
import { machineFindings } from '../doctor/machine-checks.ts';
import { teacherFindings } from '../doctor/teacher-checks.ts';
import type { ExitCode } from '../exit-code.ts';
import { readGoldFor } from '../run/gold.ts';
import { readTaskFile, type TaskFile } from '../run/task-file.ts';
import type { CommandContext } from './context.ts';

export function addDoctorCommand(program: Command, context: CommandContext): void {
  program
    .command('doctor [task.yaml]')
    .description('whether this machine, a task and its teacher are ready, and what to do where they are not')
    .option('--ask', 'ask the teacher one small question, which costs money, to see what its server can')
    .action((taskFile: string | undefined, flags: { ask?: boolean }) =>
      context.execute(async ({ signal, json }) => {
        const findings = machineFindings(process.cwd());
        const file = taskFile === undefined ? null : read(taskFile);
        if (file !== null && 'state' in file) findings.push(file);
        else if (file !== null) {
          const { task } = file;
          findings.push({
            check: 'task',
            state: 'ok',
            message: `${taskFile} is valid: ${task.spec.labels.length} labels, a cap of $${task.settings.budget.usd}`,
          });
          findings.push(...(await goldFindings(file)));
          findings.push(...(await encoderFindings(task, taskFile!)));
          findings.push(...(await teacherFindings({ task, environment: process.env, ask: flags.ask === true, signal })));
        }
        const ok = findings.every(({ state }) => state !== 'fail');
        if (json) process.stdout.write(`${JSON.stringify({ ok, findings })}\n`);
        else process.stdout.write(`${findings.map(lineOf).join('\n')}\n`);
        return exitCodeFor(findings);
      }),
    );
}

function exitCodeFor(findings: readonly Finding[]): ExitCode {
  const failures = findings.filter(({ state }) => state === 'fail');
  if (failures.length === 0) return 0;
  return failures.every(({ isAway }) => isAway === true) ? 4 : 2;
}

function read(file: string): TaskFile | Finding {
  try {
    return readTaskFile(file);
  } catch (error) {
    if (!(error instanceof LlambertError)) throw error;
    return { check: 'task', state: 'fail', message: error.message };
  }
}

async function goldFindings({ task, goldFile, goldDraw }: TaskFile): Promise<Finding[]> {
  if (goldFile === null) {
    const message = 'no labels by people, so nothing can be certified';
    return [{ check: 'gold', state: 'warn', message, advice: 'llambert gold draws documents to label; a few hundred certify' }];
  }
  try {
    const { entries } = await readGoldFor(task, goldFile, goldDraw);
    const uniform = entries.filter(({ draw }) => draw === 'uniform').length;
    return [{ check: 'gold', state: 'ok', message: `${entries.length} labels by people, ${uniform} of them drawn uniformly` }];
  } catch (error) {
    if (!(error instanceof LlambertError)) throw error;
    return [{ check: 'gold', state: 'fail', message: error.message }];
  }
}

function lineOf({ check, state, message, advice }: Finding): string {
  const line = `${state.padEnd(5)} ${check.padEnd(10)} ${message}`;
  return advice === undefined ? line : `${line}\n${' '.repeat(17)}→ ${advice}`;
}
