import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

// The command line as a program of its own, for tests that use it as people do.

export interface CommandResult {
  /** null where a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCommand {
  readonly child: ChildProcess;
  readonly ended: Promise<CommandResult>;
}

/** Starts `llambert` with these arguments. */
export function startLlambert(
  args: readonly string[],
  options: { cwd: string; env?: Readonly<Record<string, string>>; input?: string },
): RunningCommand {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: 'pipe',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  // A command that ends before it has read everything closes the pipe: its exit code says why.
  child.stdin.on('error', () => undefined).end(options.input ?? '');
  const ended = new Promise<CommandResult>((done, fail) => {
    child.on('error', fail);
    child.on('close', (code) => done({ code, stdout, stderr }));
  });
  return { child, ended };
}

/** Runs `llambert` to its end. */
export function llambert(args: readonly string[], options: Parameters<typeof startLlambert>[1]): Promise<CommandResult> {
  return startLlambert(args, options).ended;
}
