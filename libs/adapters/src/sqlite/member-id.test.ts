import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { hasEnded, newMemberId } from './member-id.ts';

it('knows that a member ended with its process, and takes it for alive where it cannot know', async () => {
  const program = `import { newMemberId } from ${JSON.stringify(new URL('./member-id.ts', import.meta.url).href)}; console.log(newMemberId());`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [output] = await Promise.all([child.stdout.setEncoding('utf8').toArray(), once(child, 'exit')]);
  const ended = output.join('').trim();
  expect(hasEnded(ended)).toBe(true);
  expect(hasEnded(ended.replace(/^[^/]*/, 'elsewhere.invalid'))).toBe(false);
  expect(hasEnded(newMemberId())).toBe(false);
});
