import * as z from 'zod';
import { taskFile } from './schema.ts';

/** As much of a JSON Schema as the schema of task.yaml uses and its readers here need. */
export interface JsonSchema {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
}

let made: JsonSchema | null = null;

/** JSON Schema (draft 7, which editors' YAML plug-ins read) of task.yaml. */
export function taskJsonSchema(): JsonSchema {
  made ??= z.toJSONSchema(taskFile, { target: 'draft-7', io: 'input' }) as JsonSchema;
  return made;
}

/** The part of the schema that describes what stands at a path; undefined where nothing may. */
export function schemaAt(schema: JsonSchema, path: readonly PropertyKey[]): JsonSchema | undefined {
  let part: JsonSchema | undefined = schema;
  for (const step of path) {
    const forms: readonly JsonSchema[] = part?.anyOf ?? (part === undefined ? [] : [part]);
    part = forms
      .map((form) => (typeof step === 'number' ? form.items : form.properties?.[String(step)]))
      .find((found) => found !== undefined);
  }
  return part;
}
