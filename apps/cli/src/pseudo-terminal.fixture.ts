import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';

// The command line in a terminal, for tests that use it as a person at a keyboard does. Node has no pseudo-terminals; Python has.

const relay = `
import fcntl, os, pty, select, struct, sys, termios
child, terminal = pty.fork()
if child == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', 40, 120, 0, 0))
sources = [0, terminal]
while True:
    for source in select.select(sources, [], [])[0]:
        try:
            data = os.read(source, 65536)
        except OSError:
            data = b''
        if source == terminal:
            if not data:
                code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
                sys.exit(code if code >= 0 else 128 - code)
            os.write(1, data)
        elif data:
            os.write(terminal, data)
        else:
            sources.remove(0)
`;

/** Whether this machine can give a pseudo-terminal. */
export const hasPseudoTerminal = spawnSync('python3', ['-c', 'import fcntl, pty, termios']).status === 0;

export interface TerminalSession {
  /** Waits until the screen shows a text that it did not show at the last call. Rejects where the command ends before. */
  see(text: string): Promise<void>;
  press(keys: string): void;
  /** Ends the command as an outside signal does. */
  kill(): void;
  /** Its exit code and all that the screen has shown. */
  readonly ended: Promise<{ readonly code: number | null; readonly screen: string }>;
}

export const keys = { enter: '\r', down: '\x1b[B', ctrlC: '\x03' } as const;

/** Starts `llambert` with these arguments in a terminal. */
export function startInTerminal(
  args: readonly string[],
  options: { cwd: string; env?: Readonly<Record<string, string>> },
): TerminalSession {
  const child = spawn('python3', ['-c', relay, process.execPath, join(import.meta.dirname, 'main.ts'), ...args], {
    cwd: options.cwd,
    env: { ...process.env, TERM: 'xterm-256color', ...options.env },
    stdio: 'pipe',
  });
  let screen = '';
  let seen = 0;
  let hasEnded = false;
  const listeners = new Set<() => void>();
  const changed = () => {
    for (const listener of [...listeners]) listener();
  };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    screen += text;
    changed();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    screen += text;
  });
  child.stdin.on('error', () => undefined);
  const ended = new Promise<{ code: number | null; screen: string }>((done) => {
    child.on('close', (code) => {
      hasEnded = true;
      changed();
      done({ code, screen });
    });
  });
  return {
    see: (text) =>
      new Promise((done, fail) => {
        const look = () => {
          const at = screen.indexOf(text, seen);
          if (at < 0 && !hasEnded) return;
          listeners.delete(look);
          if (at < 0) return fail(new Error(`the command ended without showing "${text}":\n${screen.slice(seen)}`));
          seen = at + text.length;
          done();
        };
        listeners.add(look);
        look();
      }),
    press: (text) => child.stdin.write(text),
    kill: () => child.kill('SIGKILL'),
    ended,
  };
}
