/**
 * Gives every project of the workspace its Nx targets. They live here and not in package scripts plus targetDefaults, because Nx then loses
 * their cache settings without a word; and not in @nx/* plug-ins, because @nx/js does not run beside TypeScript 7.
 */
import { dirname } from 'node:path';

/** A cached target that runs in the root of the workspace. */
function target(command, files, packages, outputs = []) {
  // A list of packages hashes those alone; the lock stands for all that they bring and for those that sources import.
  const inputs = [...files, '{workspaceRoot}/package-lock.json', { externalDependencies: packages }];
  return { cache: true, command, inputs, outputs, options: { cwd: '{workspaceRoot}' } };
}

const atRoot = (...files) => files.map((file) => `{workspaceRoot}/${file}`);
/** The project's own files and those of every project it depends on (the name is defined in nx.json). */
const sources = ['sources', '^sources'];

function targetsOf(folder) {
  // What lies outside the graph: the tools use the examples, and the tests of tools/workspace look at the workspace's settings.
  const examples = folder.startsWith('tools/') ? atRoot('examples/**/*') : [];
  const settings =
    folder === 'tools/workspace'
      ? atRoot('*.json', '*.yaml', '*.md', 'docs/**/*', '{apps,libs,tools,examples}/**/*.md', 'tools/setup.mjs')
      : [];
  const targets = {
    typecheck: target(
      `tsc -p ${folder}/tsconfig.json`,
      [...sources, ...examples, ...atRoot('tsconfig.base.json')],
      ['typescript', '@types/node'],
    ),
    lint: target(`biome check --error-on-warnings ${folder}`, [...sources, ...atRoot('biome.json')], ['@biomejs/biome']),
    test: target(
      `vitest run --passWithNoTests ${folder}/`,
      [...sources, ...examples, ...settings, ...atRoot('vitest.config.ts')],
      ['vitest'],
    ),
  };
  if (folder === 'libs/contracts') {
    const protos = atRoot('proto/**/*.proto', 'buf.yaml', 'buf.gen.yaml');
    const outputs = ['{projectRoot}/src/generated', '{projectRoot}/schema', '{projectRoot}/src/codec/file-descriptor-set.ts'];
    const tools = ['@bufbuild/buf', 'ts-proto', 'zod'];
    targets.generate = target(
      `buf generate && node ${folder}/src/generate-schema.ts`,
      [...protos, '{projectRoot}/src/**/*'],
      tools,
      outputs,
    );
  }
  if (folder === 'libs/student') {
    const onnx = ['{projectRoot}/onnx/onnx.proto', '{projectRoot}/onnx/buf.gen.yaml'];
    const generated = ['{projectRoot}/src/onnx/generated'];
    const command = `buf generate --template ${folder}/onnx/buf.gen.yaml ${folder}/onnx`;
    targets.generate = target(command, onnx, ['@bufbuild/buf', 'ts-proto'], generated);
  }
  return targets;
}

export const createNodesV2 = [
  '{apps,libs,tools}/*/package.json',
  (files) => files.map((file) => [file, { projects: { [dirname(file)]: { targets: targetsOf(dirname(file)) } } }]),
];
