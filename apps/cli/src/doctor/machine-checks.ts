import { existsSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Finding } from './finding.ts';

const leastNode = 24;
const littleMemoryBytes = 1e9;
const littleDiskBytes = 2e9;

/** What this machine has, for a run whose folder would lie in `folder`. */
export function machineFindings(folder: string): Finding[] {
  return [
    nodeFinding(process.versions.node),
    coresFinding(),
    memoryFinding(process.availableMemory()),
    temporaryFinding(),
    diskFinding(folder),
  ];
}

export function nodeFinding(version: string): Finding {
  const message = `Node ${version}`;
  if (Number.parseInt(version, 10) >= leastNode) return { check: 'node', state: 'ok', message };
  return {
    check: 'node',
    state: 'fail',
    message,
    advice: `LlamBERT needs Node ${leastNode}: start it by npm, which brings that version along`,
  };
}

function coresFinding(): Finding {
  const cores = availableParallelism();
  return { check: 'cores', state: 'ok', message: `${cores} core${cores === 1 ? '' : 's'}: as many threads label at the same time` };
}

export function memoryFinding(bytes: number): Finding {
  const message = `${gigabytes(bytes)} of memory free`;
  if (bytes >= littleMemoryBytes) return { check: 'memory', state: 'ok', message };
  return { check: 'memory', state: 'warn', message, advice: 'a run needs up to 1 GB: end other programs, or say --workers 1' };
}

function temporaryFinding(): Finding {
  try {
    const folder = mkdtempSync(join(tmpdir(), 'llambert-doctor-'));
    try {
      writeFileSync(join(folder, 'written'), 'x');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    return { check: 'temp', state: 'ok', message: `${tmpdir()} can be written` };
  } catch (error) {
    const message = `${tmpdir()} cannot be written: ${(error as Error).message}`;
    return { check: 'temp', state: 'fail', message, advice: 'name another folder in the environment variable TMPDIR (TEMP on Windows)' };
  }
}

function diskFinding(folder: string): Finding {
  if (!existsSync(folder)) return { check: 'disk', state: 'fail', message: `${folder} is not there` };
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  const message = `${gigabytes(free)} free in ${folder}`;
  if (free >= littleDiskBytes) return { check: 'disk', state: 'ok', message };
  return { check: 'disk', state: 'warn', message, advice: 'a run keeps its input and its labels: leave it twice the size of the input' };
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
