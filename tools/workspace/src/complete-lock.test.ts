import { describe, expect, it } from 'vitest';
import { completeLock, type Lock } from './complete-lock.ts';

const lockOf = (packages: Lock['packages']): Lock => ({ packages });

describe('completeLock', () => {
  it('adds the packages of other platforms with what their names state', () => {
    const optionalDependencies = {
      '@x/bin-darwin-arm64': '1.2.3',
      '@x/bin-linux-x64-musl': '1.2.3',
      'bin-linux-arm-gnueabihf': '1.2.3-rc.1',
    };
    const { lock, added } = completeLock(lockOf({ '': {}, 'node_modules/bin': { version: '1.2.3', dev: true, optionalDependencies } }));
    expect(added).toHaveLength(3);
    expect(lock.packages['node_modules/@x/bin-darwin-arm64']).toEqual({
      version: '1.2.3',
      dev: true,
      optional: true,
      os: ['darwin'],
      cpu: ['arm64'],
    });
    expect(lock.packages['node_modules/@x/bin-linux-x64-musl']).toMatchObject({ os: ['linux'], cpu: ['x64'], libc: ['musl'] });
    expect(lock.packages['node_modules/bin-linux-arm-gnueabihf']).toMatchObject({ version: '1.2.3-rc.1', cpu: ['arm'], libc: ['glibc'] });
  });

  it('nests an entry where the place above holds another version', () => {
    const { added } = completeLock(
      lockOf({
        'node_modules/bin-win32-x64': { version: '1.0.0' },
        'node_modules/a/node_modules/bin': { version: '2.0.0', optionalDependencies: { 'bin-win32-x64': '2.0.0' } },
      }),
    );
    expect(added).toEqual(['node_modules/a/node_modules/bin/node_modules/bin-win32-x64']);
  });

  it('removes download addresses and keeps the links to our own packages', () => {
    const { lock, stripped } = completeLock(
      lockOf({
        'node_modules/a': { version: '1.0.0', resolved: 'https://example.invalid/a.tgz' },
        'node_modules/@llambert/domain': { resolved: 'libs/domain', link: true },
      }),
    );
    expect(stripped).toEqual(['node_modules/a']);
    expect(lock.packages['node_modules/@llambert/domain']?.resolved).toBe('libs/domain');
  });

  it('changes nothing the second time', () => {
    const first = completeLock(lockOf({ 'node_modules/bin': { version: '1.0.0', optionalDependencies: { 'bin-linux-x64': '1.0.0' } } }));
    const second = completeLock(first.lock);
    expect(second).toEqual({ lock: first.lock, added: [], stripped: [] });
  });

  it('refuses what it cannot know', () => {
    const missing = (name: string, version: string) => () =>
      completeLock(lockOf({ 'node_modules/a': { version: '1.0.0', optionalDependencies: { [name]: version } } }));
    expect(missing('no-platform', '1.0.0')).toThrow(/states no platform/);
    expect(missing('bin-linux-x64', '^1.0.0')).toThrow(/is a range/);
  });
});
