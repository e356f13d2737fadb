import { toLlambertError } from '@llambert/domain';
import { type ExitCode, exitCodeOf } from '../exit-code.ts';
import { type Reporter, reporterFor } from '../terminal/reporter.ts';

export interface CommandRuntime {
  readonly reporter: Reporter;
  /** Aborted by Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
  /** Whether results are wanted as one JSON object. */
  readonly json: boolean;
}

/** Runs a command's work: its signals, its progress, and its errors turned into a message and an exit code, in one place. */
export interface CommandContext {
  execute(work: (runtime: CommandRuntime) => Promise<ExitCode>): Promise<void>;
}

/** How long a stopped command may take to put its things in order before it is ended all the same, in milliseconds. */
const stopPatienceMs = 60_000;

export function commandContext(flags: () => { json?: boolean; quiet?: boolean }): CommandContext {
  return {
    async execute(work) {
      const { json = false, quiet = false } = flags();
      // Progress that nobody can read any more is no reason to stop the work; results are.
      process.stderr.on('error', () => undefined);
      process.stdout.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EPIPE') process.stderr.write(`llambert: the result could not be written: ${error.message}\n`);
        process.exit(error.code === 'EPIPE' ? 0 : exitCodeOf('disk_full'));
      });
      const reporter = reporterFor(process.stderr, { quiet });
      const stopping = new AbortController();
      // By the signal itself: an orderly exit would end threads in the middle of native code, which aborts.
      const endAtOnce = (signal: NodeJS.Signals) => {
        process.off('SIGINT', stop).off('SIGTERM', stop);
        process.kill(process.pid, signal);
      };
      const stop = (signal: NodeJS.Signals) => {
        if (stopping.signal.aborted) return endAtOnce(signal);
        reporter.notice('stopping: what is in hand is being finished (press Ctrl-C again to end at once)');
        stopping.abort();
        setTimeout(() => endAtOnce(signal), stopPatienceMs).unref();
      };
      process.on('SIGINT', stop).on('SIGTERM', stop);
      try {
        process.exitCode = await work({ reporter, signal: stopping.signal, json });
      } catch (error) {
        const known = toLlambertError(error);
        reporter.end();
        const { code, message, facts, retryable } = known;
        if (json) process.stdout.write(`${JSON.stringify({ error: { code, message, facts, retryable } })}\n`);
        process.stderr.write(`llambert: ${message}\n`);
        if (code === 'internal') process.stderr.write(`${known.stack ?? ''}\n`);
        process.exitCode = exitCodeOf(code);
      } finally {
        reporter.end();
        process.off('SIGINT', stop).off('SIGTERM', stop);
      }
    },
  };
}
