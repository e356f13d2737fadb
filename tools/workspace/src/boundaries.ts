/**
 * The dependency rules that Biome cannot express (a later override replaces an earlier one there, so it cannot combine "who of ours" with
 * "whose SDK"). Which of our packages may import which stands in biome.json; here stand the homes of third-party packages and the paths.
 *
 *   node tools/workspace/src/boundaries.ts [ROOT]        exit 1 and one line per violation
 */
import { globSync, readFileSync } from 'node:fs';
import { join, normalize, posix } from 'node:path';
import { parseSync } from 'oxc-parser';

export interface Violation {
  /** Path from the root, and line from 1. */
  file: string;
  line: number;
  message: string;
}

/** Third-party packages that are imported in one place only: [package or prefix ending in `*`, its homes]. */
const SDK_HOMES: [sdk: string, homes: string[]][] = [
  ['kafkajs', ['libs/adapters/src/kafka/']],
  ['openai', ['libs/adapters/src/openai/']],
  ['kysely', ['libs/adapters/src/sql/', 'libs/adapters/src/sqlite/', 'libs/adapters/src/postgres/']],
  ['node:sqlite', ['libs/adapters/src/sqlite/']],
  ['pg', ['libs/adapters/src/postgres/']],
  ['pg-*', ['libs/adapters/src/postgres/']],
  ['@aws-sdk/*', ['libs/adapters/src/s3/']],
  ['@smithy/*', ['libs/adapters/src/s3/']],
  ['onnxruntime-node', ['libs/student/']],
  ['tokenizers', ['libs/student/']],
  ['@huggingface/tokenizers', ['libs/student/']],
  ['@grpc/*', ['libs/platform/']],
  ['@opentelemetry/sdk-*', ['libs/platform/']],
  ['@opentelemetry/exporter-*', ['libs/platform/']],
  ['@opentelemetry/instrumentation*', ['libs/platform/']],
];

/** What SQLite and PostgreSQL have in common, and the only folder of libs/adapters that its neighbours may import. */
const SHARED_BY_TECHNOLOGIES = 'libs/adapters/src/sql/';

interface Manifest {
  name?: string;
  exports?: Record<string, string>;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

interface Import {
  specifier: string;
  offset: number;
}

function importsOf(file: string, source: string): Import[] {
  const { module } = parseSync(file, source);
  const requests = [
    ...module.staticImports.map((statement) => statement.moduleRequest),
    ...module.staticExports.flatMap((statement) => statement.entries.flatMap((entry) => entry.moduleRequest ?? [])),
  ];
  const dynamic = module.dynamicImports.map(({ moduleRequest: { start, end } }) => ({
    specifier: source.slice(start, end).replace(/^['"`]|['"`]$/g, ''),
    offset: start,
  }));
  return [...requests.map(({ value, start }) => ({ specifier: value, offset: start })), ...dynamic];
}

const packageFolderOf = (file: string): string => file.split('/').slice(0, 2).join('/');
const packageNameOf = (specifier: string): string => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
const technologyOf = (file: string): string | undefined => file.match(/^libs\/adapters\/src\/[^/]+\//)?.[0];
const isTest = (file: string): boolean => /\.(test|fixture)\.ts$/.test(file);

function relativeRule(file: string, specifier: string, manifest: Manifest): string | undefined {
  const target = posix.join(posix.dirname(file), specifier);
  const folder = packageFolderOf(file);
  if (file.startsWith('tools/') && target.startsWith('examples/')) return undefined; // examples/ is no package, so it has no name.
  if (!target.startsWith(`${folder}/`)) return `leaves its package by a relative path: import the other package by its name`;
  const technology = technologyOf(file);
  if (technology !== undefined && !target.startsWith(technology)) {
    if (target.startsWith(SHARED_BY_TECHNOLOGIES)) return undefined;
    return `one adapter imports another: technologies do not know each other`;
  }
  const indexes = Object.values(manifest.exports ?? {}).map((path) => posix.join(folder, path));
  return indexes.includes(target) ? 'imports its own index: import the file that has it' : undefined;
}

function packageRule(file: string, specifier: string, manifest: Manifest, ownRoot: Manifest): string | undefined {
  const name = packageNameOf(specifier);
  if (name === manifest.name) return 'imports its own package by name: import the file that has it';
  const home = SDK_HOMES.find(([sdk]) => (sdk.endsWith('*') ? name.startsWith(sdk.slice(0, -1)) : name === sdk));
  if (home && !home[1].some((folder) => file.startsWith(folder))) return `has its home in ${home[1].join(', ')}: use the port instead`;
  if (!isTest(file) || specifier.startsWith('node:')) return undefined; // Biome's noUndeclaredDependencies sees to the rest.
  const declared = { ...manifest.dependencies, ...manifest.devDependencies, ...ownRoot.devDependencies };
  return name in declared ? undefined : `is not declared in ${packageFolderOf(file)}/package.json: Nx's graph would not see it`;
}

/** All violations in the tree at `root` (which has `apps`, `libs`, `tools`, each folder in them with a package.json). */
export function findViolations(root: string): Violation[] {
  const readManifest = (folder: string): Manifest => JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
  const rootManifest = readManifest('.');
  const manifests = new Map<string, Manifest>();
  const files = globSync('{apps,libs,tools}/*/**/*.{ts,mts,js,mjs}', {
    cwd: root,
    exclude: (path) => /node_modules|src[/\\]generated/.test(path),
  });
  return files
    .map((file) => normalize(file).replaceAll('\\', '/'))
    .sort()
    .flatMap((file) => {
      const folder = packageFolderOf(file);
      const manifest = manifests.get(folder) ?? readManifest(folder);
      manifests.set(folder, manifest);
      const source = readFileSync(join(root, file), 'utf8');
      return importsOf(file, source).flatMap(({ specifier, offset }) => {
        const broken = specifier.startsWith('.')
          ? relativeRule(file, specifier, manifest)
          : packageRule(file, specifier, manifest, rootManifest);
        return broken === undefined
          ? []
          : [{ file, line: source.slice(0, offset).split('\n').length, message: `'${specifier}' ${broken}` }];
      });
    });
}

if (import.meta.main) {
  const violations = findViolations(process.argv[2] ?? join(import.meta.dirname, '../../..'));
  for (const { file, line, message } of violations) console.error(`${file}:${line} ${message}`);
  console.error(`boundaries: ${violations.length === 0 ? 'in order' : `${violations.length} violations`}`);
  process.exitCode = violations.length > 0 ? 1 : 0;
}
