/** House rules about the files themselves, with canaries: how long a file may be, and what none is called. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../../..');
const mostLines = 300;
const mostLinesOfATest = 400;
/** Names that say nothing of what is inside. */
const emptyNames = new Set(['util', 'utils', 'helper', 'helpers', 'common', 'manager', 'managers']);

interface SourceFile {
  /** From the root of the workspace, with `/`. */
  readonly path: string;
  readonly lines: number;
}

function sourceFiles(): SourceFile[] {
  const found = globSync('{*,{apps,libs,tools,examples}/**/*}.{ts,mts,js,mjs,py}', {
    cwd: root,
    exclude: (path) => /node_modules|[/\\]generated/.test(path),
  });
  return found.map((path) => ({
    path: path.replaceAll('\\', '/'),
    lines: readFileSync(join(root, path), 'utf8').trimEnd().split('\n').length,
  }));
}

/** What is wrong with a file, or null. */
function complaint({ path, lines }: SourceFile): string | null {
  const most = path.endsWith('.test.ts') ? mostLinesOfATest : mostLines;
  if (lines > most) return `${path}: ${lines} lines are more than ${most}; split it`;
  const empty = path.split(/[/.]/).find((name) => name.split('-').some((word) => emptyNames.has(word.toLowerCase())));
  return empty === undefined ? null : `${path}: "${empty}" does not say what is inside`;
}

describe('source files', () => {
  it('are short, and their names say what is inside', () => {
    const files = sourceFiles();
    expect(files.length).toBeGreaterThan(300);
    expect(files.flatMap((file) => complaint(file) ?? [])).toEqual([]);
  });

  it.each([
    ['libs/sampling/src/draw.ts', 301],
    ['libs/sampling/src/draw.fixture.ts', 301],
    ['libs/sampling/src/draw.test.ts', 401],
    ['libs/sampling/src/utils/draw.ts', 1],
    ['libs/sampling/src/Helpers.ts', 1],
    ['libs/sampling/src/pool-manager.ts', 1],
    ['tools/common/src/main.ts', 1],
  ])('are reported: %s with %i lines', (path, lines) => {
    expect(complaint({ path, lines })).toContain(path);
  });

  it.each([
    ['libs/sampling/src/draw.ts', 300],
    ['libs/sampling/src/draw.test.ts', 400],
    ['libs/sampling/src/commonest.ts', 1],
  ])('are let be: %s with %i lines', (path, lines) => {
    expect(complaint({ path, lines })).toBeNull();
  });
});
