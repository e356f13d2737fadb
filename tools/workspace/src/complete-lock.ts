/**
 * Makes package-lock.json one that `npm ci` accepts on every machine.
 *
 * npm leaves the optional packages of other platforms out of the lock when the registry does not serve them where it runs, and then `npm ci`
 * refuses that lock (EUSAGE). Their names and exact versions stand in the packages that ask for them, so the entries can be written without
 * fetching anything. Download addresses are taken out: the installing machine's own registry settings decide where packages come from.
 *
 *   node tools/workspace/src/complete-lock.ts            rewrite the lock (run it after every change of dependencies: `npm run lock`)
 *   node tools/workspace/src/complete-lock.ts --check    exit 1 and say what is missing
 */
import { readFileSync, writeFileSync } from 'node:fs';

interface LockEntry {
  version?: string;
  resolved?: string;
  link?: boolean;
  dev?: boolean;
  devOptional?: boolean;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  optionalDependencies?: Record<string, string>;
}

export interface Lock {
  packages: Record<string, LockEntry>;
}

export interface Completion {
  lock: Lock;
  /** Lock keys (`node_modules/…`) of the entries that were missing. */
  added: string[];
  /** Lock keys whose download address was removed. */
  stripped: string[];
}

const OS = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
const CPU_OF_WORD: Record<string, string> = {
  arm: 'arm',
  arm64: 'arm64',
  armv6: 'arm',
  armv7: 'arm',
  ia32: 'ia32',
  loong64: 'loong64',
  mips64el: 'mips64el',
  ppc64: 'ppc64',
  ppc64le: 'ppc64',
  riscv64: 'riscv64',
  s390x: 's390x',
  wasm32: 'wasm32',
  x64: 'x64',
};

/** The platform a binary package's name states (`@nx/nx-linux-x64-musl`). @throws RangeError when it states none. */
function platformOfName(name: string): Pick<LockEntry, 'os' | 'cpu' | 'libc'> {
  const words = name.split(/[/-]/);
  const os = words.find((word) => OS.includes(word));
  const cpu = words.map((word) => CPU_OF_WORD[word]).find((found) => found !== undefined);
  if (os === undefined || cpu === undefined) {
    throw new RangeError(
      `${name} is missing from the lock and its name states no platform: add it with npm install where it can be fetched`,
    );
  }
  const libc = words.some((word) => word.startsWith('musl'))
    ? ['musl']
    : words.some((word) => /^(gnu|glibc)/.test(word))
      ? ['glibc']
      : undefined;
  return { cpu: [cpu], ...(libc && { libc }), os: [os] };
}

/** The lock key under which `dependent` finds `name`: its own node_modules, then each one above (Node's resolution). */
function resolveKey(packages: Lock['packages'], dependent: string, name: string): string | undefined {
  const folders = dependent.split('/node_modules/').map((_, index, parts) => parts.slice(0, parts.length - index).join('/node_modules/'));
  return [...folders.map((folder) => `${folder}/node_modules/${name}`), `node_modules/${name}`].find((key) => packages[key] !== undefined);
}

/** A copy of the lock with every optional package listed and no download address. */
export function completeLock(lock: Lock): Completion {
  const packages = structuredClone(lock.packages);
  const added: string[] = [];
  const stripped: string[] = [];

  for (const [dependent, entry] of Object.entries(packages)) {
    if (entry.resolved !== undefined && !entry.link) {
      delete entry.resolved;
      stripped.push(dependent);
    }
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      const found = resolveKey(packages, dependent, name);
      const exact = /^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version);
      if (found !== undefined && (!exact || packages[found]?.version === version)) continue;
      if (!exact) throw new RangeError(`${name}@${version}, an optional dependency of ${dependent}, is missing and its version is a range`);
      const key = found === undefined ? `node_modules/${name}` : `${dependent}/node_modules/${name}`;
      const { cpu, libc, os } = platformOfName(name);
      packages[key] = {
        version,
        ...(cpu && { cpu }),
        ...(entry.dev && { dev: true }),
        ...(entry.devOptional && { devOptional: true }),
        ...(libc && { libc }),
        optional: true,
        ...(os && { os }),
      };
      added.push(key);
    }
  }
  const sorted = Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, 'en'));
  return { lock: { ...lock, packages: Object.fromEntries(sorted) }, added, stripped };
}

if (import.meta.main) {
  const path = new URL('../../../package-lock.json', import.meta.url);
  const { lock, added, stripped } = completeLock(JSON.parse(readFileSync(path, 'utf8')));
  const findings = [...added.map((key) => `missing: ${key}`), ...stripped.map((key) => `download address: ${key}`)];
  if (process.argv.includes('--check')) {
    for (const finding of findings) console.error(`package-lock.json: ${finding}`);
    if (findings.length > 0) console.error('Run `npm run lock` and commit the result.');
    process.exitCode = findings.length > 0 ? 1 : 0;
  } else {
    writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
    console.error(`package-lock.json: ${added.length} entries added, ${stripped.length} download addresses removed`);
  }
}
