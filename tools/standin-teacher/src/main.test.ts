import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const program = join(import.meta.dirname, 'main.ts');

describe('the command', () => {
  it('serves until it is told to stop', async () => {
    const child = spawn(process.execPath, [program, '--port', '0', '--fault', 'refusal=first:1', '--prose'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const [line] = (await once(child.stderr.setEncoding('utf8'), 'data')) as [string];
    expect(line).toMatch(/stand-in teacher, no language model: mode rules/);
    const baseUrl = /base URL (\S+),/.exec(line)![1]!;
    expect(await (await fetch(`${baseUrl}/models`)).json()).toMatchObject({ data: [{ id: 'standin-rules' }] });
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it.each([
    [['--port', 'x'], /--port must be a number/],
    [['--mode', 'think'], /--mode must be/],
    [['--mode', 'replay'], /needs --documents and --answers/],
    [['--mode', 'replay', '--documents', '/nowhere.jsonl', '--answers', '/nowhere.jsonl'], /nowhere\.jsonl/],
    [['--fault', 'cut=often'], /is no fault/],
    [['--colour', 'red'], /--colour/],
  ])('refuses %j', async (args, message) => {
    await expect(promisify(execFile)(process.execPath, [program, ...args])).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(message) as unknown,
    });
  });
});
