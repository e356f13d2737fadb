/** Canaries: each rule of DESIGN's dependency section is broken once in a scratch tree with our own settings, and must be reported. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findViolations } from './boundaries.ts';

const root = join(import.meta.dirname, '../../..');
const libs = 'adapters annotation contracts domain inference platform review sampling statistics student testing training'.split(' ');
const packages: [folder: string, name: string][] = [
  ['apps/cli', 'llambert'],
  ['apps/other', '@llambert/app-other'],
  ['tools/bench', '@llambert/tool-bench'],
  ...libs.map((lib): [string, string] => [`libs/${lib}`, `@llambert/${lib}`]),
];
const thirdParty =
  'kafkajs openai kysely pg @aws-sdk/client-s3 onnxruntime-node tokenizers @grpc/grpc-js @opentelemetry/api @opentelemetry/sdk-node'.split(
    ' ',
  );

/** As `npm run lint:dead` calls it. */
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
const productionMode = scripts['lint:dead']!.split(' && knip ')[1]!.split(' ');

type Plant = [file: string, imported: string];

const biomeForbids: Plant[] = [
  ['libs/domain/src/a.ts', '@llambert/statistics'],
  ['libs/domain/src/a.test.ts', '@llambert/testing'],
  ['libs/statistics/src/a.ts', '@llambert/domain'],
  ['libs/student/src/a.ts', '@llambert/contracts'],
  ['libs/contracts/src/a.ts', '@llambert/student'],
  ['libs/platform/src/a.ts', '@llambert/sampling'],
  ['libs/platform/src/b.ts', '@llambert/adapters/sqlite'],
  ['libs/adapters/src/folder/a.ts', '@llambert/review'],
  ['libs/testing/src/a.ts', '@llambert/adapters/sqlite'],
  ['libs/sampling/src/a.ts', '@llambert/training'],
  ['libs/sampling/src/b.ts', '@llambert/adapters/sqlite'],
  ['libs/sampling/src/c.ts', '@llambert/testing'],
  ['libs/sampling/src/d.ts', 'llambert'],
  ['libs/sampling/src/a.test.ts', '@llambert/training'],
  ['libs/sampling/src/a.fixture.ts', '@llambert/training'],
  ['libs/annotation/src/a.ts', '@llambert/inference'],
  ['libs/training/src/a.ts', '@llambert/sampling'],
  ['libs/inference/src/a.ts', '@llambert/review'],
  ['libs/review/src/a.ts', '@llambert/annotation'],
  ['apps/cli/src/a.ts', '@llambert/app-other'],
  ['apps/cli/src/b.ts', '@llambert/testing'],
  ['apps/cli/src/c.ts', '@llambert/tool-bench'],
  ['apps/other/src/a.ts', 'llambert'],
];

const boundariesForbid: Plant[] = [
  ['libs/platform/src/sdk-a.ts', 'kafkajs'],
  ['libs/annotation/src/sdk-a.ts', 'openai'],
  ['libs/sampling/src/sdk-a.ts', 'kysely'],
  ['libs/adapters/src/sqlite/sdk-a.ts', 'pg'],
  ['libs/adapters/src/folder/sdk-a.ts', '@aws-sdk/client-s3'],
  ['libs/training/src/sdk-a.ts', 'onnxruntime-node'],
  ['libs/inference/src/sdk-a.ts', 'tokenizers'],
  ['libs/inference/src/sdk-b.ts', '@grpc/grpc-js'],
  ['apps/cli/src/sdk-a.ts', '@opentelemetry/sdk-node'],
  ['apps/cli/src/sdk-b.ts', 'node:sqlite'],
  ['libs/adapters/src/folder/path-a.ts', '../sqlite/state.ts'],
  ['libs/sampling/src/path-a.ts', '../../domain/src/index.ts'],
  ['libs/sampling/src/path-b.ts', './index.ts'],
  ['libs/sampling/src/path-c.ts', '@llambert/sampling'],
  ['libs/sampling/src/path-a.test.ts', 'not-declared'],
  ['libs/sampling/src/path-a.fixture.ts', 'not-declared'],
];

const legal: Plant[] = [
  ['libs/sampling/src/legal-a.ts', '@llambert/domain'],
  ['libs/sampling/src/legal-b.ts', '@llambert/student'],
  ['libs/sampling/src/legal-c.ts', '@opentelemetry/api'],
  ['libs/sampling/src/legal-a.test.ts', '@llambert/adapters/sqlite'],
  ['libs/sampling/src/legal-b.test.ts', '@llambert/testing'],
  ['libs/sampling/src/legal-a.fixture.ts', '@llambert/testing'],
  ['libs/student/src/legal-a.ts', 'onnxruntime-node'],
  ['libs/platform/src/legal-a.ts', '@grpc/grpc-js'],
  ['libs/adapters/src/openai/legal-a.ts', 'openai'],
  ['libs/adapters/src/sqlite/legal-a.ts', 'node:sqlite'],
  ['libs/adapters/src/sqlite/legal-b.ts', '../sql/schema.ts'],
  ['libs/adapters/src/sqlite/legal-c.ts', './state.ts'],
  ['apps/cli/src/legal-a.ts', '@llambert/adapters/sqlite'],
  ['tools/bench/src/legal-a.ts', 'llambert'],
  ['tools/bench/src/legal-b.ts', '../../../examples/a/generate.ts'],
];

function write(tree: string, file: string, text: string): void {
  mkdirSync(join(tree, dirname(file)), { recursive: true });
  writeFileSync(join(tree, file), text);
}

/** Runs a tool of the workspace in a scratch tree; a finding makes it exit with 1, so the exit code says nothing here. */
function runTool(tree: string, name: string, args: string[]): Promise<string> {
  return new Promise((resolve) => {
    const options = { cwd: tree, maxBuffer: 1 << 26 };
    execFile(join(root, 'node_modules/.bin', name), args, options, (_error, stdout, stderr) => resolve(stdout || stderr));
  });
}

const trees: string[] = [];
afterAll(() => {
  for (const tree of trees) rmSync(tree, { recursive: true, force: true });
});

function scratchTree(settings: string): string {
  const tree = mkdtempSync(join(tmpdir(), 'llambert-rules-'));
  trees.push(tree);
  cpSync(join(root, settings), join(tree, settings));
  const devDependencies = { vitest: '*' };
  write(
    tree,
    'package.json',
    JSON.stringify({ name: 'scratch', private: true, workspaces: ['apps/*', 'libs/*', 'tools/*'], devDependencies }),
  );
  return tree;
}

describe('forbidden imports', () => {
  let tree: string;
  let biomeFindings: Set<string>;

  beforeAll(async () => {
    tree = scratchTree('biome.json');
    const declared = [...thirdParty, ...packages.map(([, name]) => name)];
    for (const [folder, name] of packages) {
      const dependencies = Object.fromEntries(declared.filter((other) => other !== name).map((other) => [other, '*']));
      write(tree, `${folder}/package.json`, JSON.stringify({ name, dependencies, exports: { '.': './src/index.ts' } }));
      write(tree, `${folder}/src/index.ts`, 'export const here = 1;\n');
    }
    write(tree, 'libs/adapters/src/sql/schema.ts', 'export const here = 1;\n');
    write(tree, 'libs/adapters/src/sqlite/state.ts', 'export const here = 1;\n');
    for (const [file, imported] of [...biomeForbids, ...boundariesForbid, ...legal]) {
      write(tree, file, `import { here } from '${imported}';\n\nexport const there = here;\n`);
    }
    write(tree, 'libs/review/src/export.ts', `export { here } from '@llambert/training';\n`);
    write(tree, 'libs/review/src/type.ts', `import type { here } from '@llambert/training';\n\nexport type There = typeof here;\n`);
    write(tree, 'libs/review/src/dynamic.ts', `export const there = () => import('@llambert/training');\n`);
    write(tree, 'libs/review/src/sdk-export.ts', `export { here } from 'openai';\n`);
    write(tree, 'libs/review/src/sdk-dynamic.ts', `export const there = () => import('openai');\n`);
    write(tree, 'libs/domain/src/undeclared.ts', `import { here } from 'not-declared';\n\nexport const there = here;\n`);
    write(tree, 'libs/domain/src/cycle-a.ts', `import { b } from './cycle-b.ts';\n\nexport const a = (): number => b();\n`);
    write(tree, 'libs/domain/src/cycle-b.ts', `import { a } from './cycle-a.ts';\n\nexport const b = (): number => a();\n`);
    write(tree, 'libs/domain/src/types-a.ts', `import type { B } from './types-b.ts';\n\nexport interface A {\n  b: B;\n}\n`);
    write(tree, 'libs/domain/src/types-b.ts', `import type { A } from './types-a.ts';\n\nexport interface B {\n  a: A;\n}\n`);
    const report = JSON.parse(await runTool(tree, 'biome', ['lint', '--reporter=json', '--max-diagnostics=none', '.']));
    biomeFindings = new Set(
      report.diagnostics.map((found: { category: string; location: { path: string } }) => `${found.location.path} ${found.category}`),
    );
  });

  it.each(biomeForbids)('%s may not import %s (Biome)', (file) => {
    expect(biomeFindings).toContain(`${file} lint/style/noRestrictedImports`);
  });

  it.each(['export', 'type', 'dynamic'])('sees the form %s (Biome)', (form) => {
    expect(biomeFindings).toContain(`libs/review/src/${form}.ts lint/style/noRestrictedImports`);
  });

  it.each(['cycle-a', 'cycle-b', 'types-a', 'types-b'])('sees the import cycle through %s', (name) => {
    expect(biomeFindings).toContain(`libs/domain/src/${name}.ts lint/suspicious/noImportCycles`);
  });

  it('sees an undeclared dependency', () => {
    expect(biomeFindings).toContain('libs/domain/src/undeclared.ts lint/correctness/noUndeclaredDependencies');
  });

  it.each(boundariesForbid)('%s may not import %s (boundaries)', (file, imported) => {
    expect(findViolations(tree)).toContainEqual(
      expect.objectContaining({ file, line: 1, message: expect.stringContaining(`'${imported}'`) }),
    );
  });

  it.each(['sdk-export', 'sdk-dynamic'])('sees the form %s (boundaries)', (form) => {
    expect(findViolations(tree).map(({ file }) => file)).toContain(`libs/review/src/${form}.ts`);
  });

  it.each(legal)('%s may import %s', (file) => {
    expect([...biomeFindings].filter((finding) => finding.startsWith(`${file} `))).toEqual([]);
    expect(findViolations(tree).filter((violation) => violation.file === file)).toEqual([]);
  });
});

describe('dead code (knip)', () => {
  let report: string;
  let production: string;

  beforeAll(async () => {
    const tree = scratchTree('knip.json');
    const here = { type: 'module', private: true };
    const exports = { '.': './src/index.ts' };
    write(tree, 'libs/domain/package.json', JSON.stringify({ ...here, name: '@llambert/domain', exports, dependencies: { zod: '*' } }));
    write(tree, 'libs/domain/src/index.ts', `export { deadInIndex, used } from './values.ts';\n`);
    write(tree, 'libs/domain/src/values.ts', 'export const used = 1;\nexport const deadInIndex = 2;\nexport const deadInFile = 3;\n');
    write(tree, 'libs/domain/src/dead-file.ts', 'export const nothing = 1;\n');
    write(tree, 'libs/domain/src/only-tested.ts', 'export const onlyTested = 1;\n');
    write(tree, 'libs/domain/src/made-up.fixture.ts', 'export const madeUp = 1;\n');
    const tested = `import { madeUp } from './made-up.fixture.ts';\nimport { onlyTested } from './only-tested.ts';\n`;
    write(
      tree,
      'libs/domain/src/values.test.ts',
      `${tested}import { used } from './values.ts';\n\nconsole.log(used, onlyTested, madeUp);\n`,
    );
    write(tree, 'apps/cli/package.json', JSON.stringify({ ...here, name: 'llambert', dependencies: { '@llambert/domain': '*' } }));
    const worker = `new Worker(new URL('./live-worker.ts', import.meta.url));`;
    const imports = `import { Worker } from 'node:worker_threads';\nimport { used } from '@llambert/domain';\nimport 'not-declared';\n`;
    write(tree, 'apps/cli/src/main.ts', `${imports}\n${worker}\nconsole.log(used);\n`);
    write(tree, 'apps/cli/src/live-worker.ts', `console.log('alive');\n`);
    write(tree, 'apps/cli/src/dead-worker.ts', `console.log('never started');\n`);
    write(tree, 'tools/bench/package.json', JSON.stringify({ ...here, name: '@llambert/tool-bench' }));
    mkdirSync(join(tree, 'node_modules/@llambert'), { recursive: true });
    symlinkSync('../../libs/domain', join(tree, 'node_modules/@llambert/domain'));
    [report, production] = await Promise.all([
      runTool(tree, 'knip', ['--no-config-hints', '--reporter=compact']),
      runTool(tree, 'knip', [...productionMode, '--reporter=compact']),
    ]);
  });

  it('reports what only tests use, unless its name says so, or a worker has it', () => {
    expect(production).toContain('libs/domain/src/only-tested.ts');
    expect(production).toContain('libs/domain/src/dead-file.ts');
    for (const alive of ['made-up', 'values', 'live-worker']) expect(production).not.toContain(alive);
  });

  it.each(['deadInIndex', 'deadInFile', 'libs/domain/src/dead-file.ts', 'apps/cli/src/dead-worker.ts', 'zod', 'not-declared'])(
    'reports %s',
    (dead) => {
      expect(report).toContain(dead);
    },
  );

  it.each(['used', 'live-worker', 'values.test.ts', '@llambert/domain'])('is silent about %s', (alive) => {
    expect(report.replaceAll('Unused', '')).not.toContain(alive);
  });
});
