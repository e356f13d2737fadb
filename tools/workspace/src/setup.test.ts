import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

/** Stands in for npm: notes its arguments, makes node_modules, and fails as FAKE_* says. */
const fakeNpm = `
import { appendFileSync, mkdirSync, rmSync } from 'node:fs';
if (process.argv[2] === '--version') console.log(process.env.FAKE_VERSION ?? '10.0.0');
else {
  appendFileSync('npm.log', process.argv[2] + '\\n');
  if (process.argv[2] === 'ci') rmSync('node_modules', { recursive: true, force: true });
  mkdirSync('node_modules', { recursive: true });
  console.error(process.env.FAKE_ERROR ?? '');
  process.exitCode = process.argv[2] === process.env.FAKE_FAILS_AT ? 7 : 0;
}
`;

describe('setup', () => {
  let root: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'llambert-setup-'));
    for (const folder of ['apps', 'libs/domain', 'tools']) mkdirSync(join(root, folder), { recursive: true });
    copyFileSync(join(import.meta.dirname, '../../setup.mjs'), join(root, 'tools/setup.mjs'));
    writeFileSync(join(root, 'fake-npm.mjs'), fakeNpm);
    for (const file of ['package.json', 'package-lock.json', 'libs/domain/package.json']) writeFileSync(join(root, file), '{}');
    writeFileSync(join(root, '.npmrc'), '');
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const setup = (env: Record<string, string> = {}, node = process.execPath) => {
    const options = { cwd: root, encoding: 'utf8' as const, env: { ...process.env, npm_execpath: join(root, 'fake-npm.mjs'), ...env } };
    const { status, stdout, stderr } = spawnSync(node, ['tools/setup.mjs'], options);
    const log = join(root, 'npm.log');
    const calls = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];
    rmSync(log, { force: true });
    return { status, stdout, stderr, calls };
  };

  it('installs once and then does nothing', () => {
    expect(setup()).toMatchObject({ status: 0, stdout: '', stderr: expect.stringContaining('installing'), calls: ['ci', 'rebuild'] });
    expect(setup()).toEqual({ status: 0, stdout: '', stderr: '', calls: [] });
  });

  it('installs again after a change of what is installed, not of a script', () => {
    setup();
    writeFileSync(join(root, 'package.json'), '{"scripts":{"a":"b"}}');
    expect(setup().calls).toEqual([]);
    writeFileSync(join(root, 'libs/domain/package.json'), '{"devDependencies":{"a":"1.0.0"}}');
    expect(setup().calls).toEqual(['ci', 'rebuild']);
    writeFileSync(join(root, 'package-lock.json'), '{"packages":{}}');
    expect(setup().calls).toEqual(['ci', 'rebuild']);
    rmSync(join(root, 'node_modules'), { recursive: true });
    expect(setup().calls).toEqual(['ci', 'rebuild']);
  });

  it.each(['ci', 'rebuild'])('passes the exit code of a failing %s on and installs again the next time', (step) => {
    setup();
    writeFileSync(join(root, 'package-lock.json'), '{"packages":{}}');
    expect(setup({ FAKE_FAILS_AT: step })).toMatchObject({
      status: 7,
      stderr: expect.stringContaining(`npm ${step} failed with exit code 7`),
    });
    expect(setup()).toMatchObject({ status: 0, calls: ['ci', 'rebuild'] });
  });

  it('outlives the deletion of the Node in node_modules that it runs on', () => {
    const inside = join(root, 'node_modules/node/bin/node');
    mkdirSync(dirname(inside), { recursive: true });
    copyFileSync(process.execPath, inside);
    const nodeOutside = join(root, 'outside');
    mkdirSync(nodeOutside);
    symlinkSync(process.execPath, join(nodeOutside, 'node'));
    expect(setup({ PATH: [dirname(inside), nodeOutside].join(delimiter) }, inside)).toMatchObject({ status: 0, calls: ['ci', 'rebuild'] });
  });

  it('says so when the registry is away', () => {
    const away = setup({ FAKE_FAILS_AT: 'ci', FAKE_ERROR: 'npm error code ENOTFOUND' });
    expect(away).toMatchObject({ status: 7, stderr: expect.stringContaining('registry was out of reach') });
  });

  it('refuses an npm that is too old', () => {
    expect(setup({ FAKE_VERSION: '6.14.0' })).toMatchObject({ status: 1, calls: [], stderr: expect.stringContaining('npm 9 or newer') });
  });
});
