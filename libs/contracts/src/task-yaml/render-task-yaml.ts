import { LlambertError } from '@llambert/domain';
import { Document, isMap, isScalar, Scalar, visit, type YAMLMap } from 'yaml';
import { defaultPrefix } from '../topics.ts';
import { completeTask, type ParsedTask } from './complete-task.ts';
import { contradictions } from './contradictions.ts';
import { type JsonSchema, taskJsonSchema } from './json-schema.ts';
import { type TaskDraft, taskFile } from './schema.ts';
import { writeStudentModel } from './student-model.ts';

/**
 * The task.yaml of a draft, with every setting at its value (a default where the draft has none) under a comment that says what it is.
 * Reading it back gives the same task.
 * @param options.schema address or path of the JSON Schema, for editors
 * @throws LlambertError `invalid_task` for a draft that no task.yaml could say
 */
export function renderTaskYaml(draft: TaskDraft, options: { prefix?: string; schema?: string } = {}): string {
  const { labels, ...rest } = draft;
  const form = taskFile.safeParse({ ...rest, labels: labels.map((label) => label.name) });
  const problems = form.success ? contradictions({ ...form.data, labels }) : form.error.issues;
  if (problems.length > 0 || !form.success) {
    const lines = problems.map(({ path, message }) => `${path.map(String).join('.')}: ${message}`);
    throw new LlambertError('invalid_task', lines.join('\n'));
  }
  const parsed = completeTask({ ...form.data, labels }, options.prefix ?? defaultPrefix);
  const schema = taskJsonSchema();
  const file = { ...fileOf(parsed), ...(draft.topics === undefined ? {} : { topics: parsed.task.topics }) };
  const document = new Document(inOrder(file, schema), { version: '1.2' });
  visit(document, { Scalar: (_, node) => quoteOddText(node) });
  const contents = document.contents;
  if (isMap(contents)) comment(contents, schema, true);
  if (options.schema !== undefined) document.commentBefore = ` yaml-language-server: $schema=${options.schema}`;
  return document.toString({ lineWidth: 0 });
}

/** A task in the shape of its file, topics apart. Labels are a Map, which keeps the order of names that are numbers. */
function fileOf({ task, goldFile, goldDraw }: ParsedTask): Record<string, unknown> {
  const { description, kind, labels, guide, examples } = task.spec;
  const { teacher, budget, sampling, routing } = task.settings;
  const { encoder, ...student } = task.settings.student;
  return {
    task: task.name,
    description,
    kind,
    labels: new Map(labels.map((label) => [label.name, label.description])),
    guide,
    examples: examples.map(({ labels: names, ...texts }) =>
      kind === 'single' ? { ...texts, label: names[0] } : { ...texts, labels: names },
    ),
    teacher,
    budget,
    sampling,
    student: { ...student, model: writeStudentModel({ model: student.model, encoder }) },
    gold: goldFile === null || goldDraw === null ? goldFile : { file: goldFile, sampled: goldDraw },
    routing,
  };
}

/** Settings in the order in which the schema, and so the documentation, has them. */
function inOrder(settings: object, schema: JsonSchema): Record<string, unknown> {
  const values = new Map(Object.entries(settings));
  const entries = Object.entries(schema.properties ?? {}).filter(([key]) => values.has(key));
  return Object.fromEntries(
    entries.map(([key, part]) => {
      const value: unknown = values.get(key);
      const isSection = part.properties !== undefined && typeof value === 'object' && value !== null;
      return [key, isSection ? inOrder(value, part) : value];
    }),
  );
}

/** Block scalars fold line ends and drop blanks; a text that has any odd ones goes into double quotes. */
function quoteOddText(node: Scalar): void {
  if (typeof node.value === 'string' && /[^\P{C}\n]|[\p{Zl}\p{Zp}]|^\s|\s$|[ \t]\n|\n[ \t]/u.test(node.value))
    node.type = Scalar.QUOTE_DOUBLE;
}

/** Puts the schema's description over every setting, and an empty line over every setting of the first level. */
function comment(map: YAMLMap, schema: JsonSchema, isFirstLevel: boolean): void {
  for (const [index, { key, value }] of map.items.entries()) {
    if (!isScalar(key)) continue;
    const part = schema.properties?.[String(key.value)];
    if (part?.description !== undefined) key.commentBefore = ` ${part.description}`;
    if (isFirstLevel && index > 0) key.spaceBefore = true;
    if (!isMap(value) || part === undefined) continue;
    if (key.value === 'price') value.flow = true;
    else comment(value, part, false);
  }
}
