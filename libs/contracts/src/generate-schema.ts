import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { taskJsonSchema } from './task-yaml/json-schema.ts';

// Writes what is generated and not by buf's plug-in: the JSON Schema of task.yaml for editors, and the descriptors of all messages,
// by which JSON records are read. Run by the `generate` target.

const root = new URL('../../../', import.meta.url);
const schemaFolder = new URL('../schema/', import.meta.url);

mkdirSync(schemaFolder, { recursive: true });
writeFileSync(new URL('task.schema.json', schemaFolder), `${JSON.stringify(taskJsonSchema(), null, 2)}\n`);

const buf = fileURLToPath(new URL('node_modules/.bin/buf', root));
const descriptors = execFileSync(buf, ['build', 'proto', '--exclude-source-info', '-o', '-'], { cwd: root });
writeFileSync(
  new URL('codec/file-descriptor-set.ts', import.meta.url),
  `// Written by generate-schema.ts from proto/. Do not edit.

/** A google.protobuf.FileDescriptorSet of all of proto/, in base64. */
export const fileDescriptorSet =
  '${descriptors.toString('base64')}';
`,
);
