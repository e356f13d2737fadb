/** The plug-in's targets on two small projects of a scratch workspace with our own settings: one in order, one with a fault for each target. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../../..');
const settings = ['nx.json', 'package.json', 'package-lock.json', 'biome.json', 'tsconfig.base.json', 'vitest.config.ts'];
const targets = ['typecheck', 'lint', 'test'];

const testOf = (expected: number) =>
  `import { expect, it } from 'vitest';\nimport { one } from './one.ts';\n\nit('is one', () => {\n  expect(one).toBe(${expected});\n});\n`;

describe('Nx targets', () => {
  const tree = mkdtempSync(join(tmpdir(), 'llambert-nx-'));
  const write = (file: string, text: string) => {
    mkdirSync(join(tree, dirname(file)), { recursive: true });
    writeFileSync(join(tree, file), text);
  };
  let output: string;

  beforeAll(async () => {
    for (const file of [...settings, 'tools/workspace/nx-plugin.mjs']) cpSync(join(root, file), join(tree, file));
    symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'));
    for (const name of ['sound', 'faulty']) {
      write(`libs/${name}/package.json`, `${JSON.stringify({ name, private: true, type: 'module' }, null, 2)}\n`);
      cpSync(join(root, 'libs/domain/tsconfig.json'), join(tree, `libs/${name}/tsconfig.json`));
    }
    write('libs/sound/src/one.ts', 'export const one = 1;\n');
    write('libs/sound/src/one.test.ts', testOf(1));
    write('libs/faulty/src/one.ts', 'export const one:string = 1;\n');
    write('libs/faulty/src/one.test.ts', testOf(2));
    const args = ['run-many', '-t', ...targets, '--projects=sound,faulty', '--outputStyle=static'];
    output = await new Promise((resolve) => {
      const options = { cwd: tree, env: { ...process.env, NX_DAEMON: 'false', NO_COLOR: '1', FORCE_COLOR: '0' } };
      execFile(join(root, 'node_modules/.bin/nx'), args, options, (_error, stdout, stderr) => resolve(stdout + stderr));
    });
  }, 120_000);
  afterAll(() => rmSync(tree, { recursive: true, force: true }));

  it.each(targets)('%s passes where all is in order, and finds the fault', (target) => {
    const failed = output.slice(output.indexOf('Failed tasks:'));
    expect(output).toContain(`nx run sound:${target}`);
    expect(failed).toContain(`faulty:${target}`);
    expect(failed).not.toContain(`sound:${target}`);
  });

  it('test runs the tests of its project', () => {
    expect(output).toMatch(/sound:test.*Tests +1 passed/s);
  });
});
