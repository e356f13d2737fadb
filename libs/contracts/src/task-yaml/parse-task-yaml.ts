import { LlambertError } from '@llambert/domain';
import type * as z from 'zod';
import { defaultPrefix } from '../topics.ts';
import { completeTask, type ParsedTask } from './complete-task.ts';
import { contradictions } from './contradictions.ts';
import { taskJsonSchema } from './json-schema.ts';
import { type TaskDraft, type TaskFile, taskFile } from './schema.ts';
import { schemaProblems } from './schema-problems.ts';
import { type Problem, readYaml, type YamlText } from './yaml-document.ts';

/** A longer file is no task.yaml. In UTF-16 units. */
const maxLength = 2 * 1024 * 1024;
const maxProblemsShown = 20;

/**
 * The task that a task.yaml describes, with every default filled in. Reads nothing but `text`.
 * @param options.fileName how errors name the file
 * @param options.prefix of the topics that the file does not name
 * @throws LlambertError `invalid_task` whose message has a line `file:line:column path: problem` for every problem; none repeats a secret
 */
export function parseTaskYaml(text: string, options: { fileName: string; prefix?: string }): ParsedTask {
  if (text.length > maxLength)
    throw new LlambertError('invalid_task', `${options.fileName}: longer than ${maxLength} characters: is it a task.yaml?`);
  const yaml = readOrRefuse(text, options.fileName);
  if (yaml.problems.length > 0) throw refusal(yaml.problems, yaml, options.fileName);
  if (yaml.value === null || yaml.value === undefined) {
    throw new LlambertError('invalid_task', `${options.fileName}: the file is empty; llambert init writes a task.yaml to begin with`);
  }
  const checked = taskFile.safeParse(yaml.value);
  const issues = checked.error?.issues ?? [];
  // The rules see unsound sections never, so that the rest may count as a draft.
  const draft: TaskDraft = { ...((checked.data ?? yaml.value) as TaskFile), labels: yaml.labels ?? [] };
  const problems = [
    ...schemaProblems(issues, yaml.value, taskJsonSchema()),
    ...contradictions(draft, unsoundSections(issues, yaml.value)).map((problem) => underLabelName(problem, draft, yaml.value)),
  ];
  if (problems.length > 0) throw refusal(problems, yaml, options.fileName);
  return completeTask(draft, options.prefix ?? defaultPrefix);
}

function readOrRefuse(text: string, fileName: string): YamlText {
  try {
    return readYaml(text);
  } catch (error) {
    // The YAML package recurses: brackets nested by the thousand exhaust the stack.
    throw new LlambertError('invalid_task', `${fileName}: cannot be read as YAML: it is nested too deeply or malformed`, { cause: error });
  }
}

/** Sections with a problem, and where a key of the first level is unknown (a misspelled section, perhaps) those that are not there. */
function unsoundSections(issues: readonly z.core.$ZodIssue[], value: unknown): Set<PropertyKey> {
  const unsound = new Set(issues.flatMap((issue) => issue.path.slice(0, 1)));
  if (issues.some((issue) => issue.path.length === 0)) {
    for (const section of Object.keys(taskFile.shape)) if (!Object.hasOwn(value as object, section)) unsound.add(section);
  }
  return unsound;
}

/** Labels of a map are found under their names, not at their index. */
function underLabelName(problem: Problem, draft: TaskDraft, value: unknown): Problem {
  const [section, index] = problem.path;
  const labels = (value as { labels?: unknown }).labels;
  if (section !== 'labels' || typeof index !== 'number' || Array.isArray(labels)) return problem;
  return { ...problem, path: ['labels', draft.labels[index]!.name] };
}

function refusal(problems: readonly Problem[], yaml: YamlText, fileName: string): LlambertError {
  const placed = problems
    .map((problem) => ({ ...problem, position: problem.position ?? yaml.positionOf(problem.path) }))
    .sort((left, right) => left.position.line - right.position.line || left.position.column - right.position.column);
  const lines = placed.map(({ path, message, position }) => {
    const where = `${fileName}:${position.line}:${position.column}`;
    return path.length === 0 ? `${where} ${message}` : `${where} ${pathText(path)}: ${message}`;
  });
  const shown = lines.slice(0, maxProblemsShown);
  if (lines.length > shown.length) shown.push(`… and ${lines.length - shown.length} more`);
  const facts = { file: fileName, line: placed[0]?.position.line ?? 1, problems: lines.length };
  return new LlambertError('invalid_task', shown.join('\n'), { facts });
}

function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((step, index) => {
      if (typeof step === 'number') return `[${step}]`;
      const key = String(step);
      return /^[\p{L}\p{N}_ -]+$/u.test(key) ? `${index === 0 ? '' : '.'}${key}` : `[${JSON.stringify(key)}]`;
    })
    .join('');
}
