import type * as z from 'zod';
import { type JsonSchema, schemaAt } from './json-schema.ts';
import { nearest } from './suggestion.ts';
import type { Problem } from './yaml-document.ts';

type Issue = z.core.$ZodIssue;

const words: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
  null: 'null',
};

/** What a schema found wrong with a value, as problems with suggestions. Never repeats a value that no list of words allows. */
export function schemaProblems(issues: readonly Issue[], value: unknown, schema: JsonSchema): Problem[] {
  return issues.flatMap((issue) => problemsOf(issue, [], value, schema));
}

function problemsOf(issue: Issue, base: readonly PropertyKey[], root: unknown, schema: JsonSchema): Problem[] {
  const path = [...base, ...issue.path];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({ path: [...path, key], message: `is no setting${keySuggestion(key, path, schema)}` }));
    case 'invalid_union':
      return unionProblems(issue, path, root, schema);
    case 'invalid_type':
      return [{ path, message: typeMessage(words[issue.expected] ?? issue.expected, valueAt(root, path)) }];
    case 'invalid_value':
      return [{ path, message: choiceMessage(issue, valueAt(root, path)) }];
    case 'too_small':
    case 'too_big':
      return [{ path, message: boundMessage(issue) }];
    default:
      return [{ path, message: issue.message }];
  }
}

function keySuggestion(key: string, path: readonly PropertyKey[], schema: JsonSchema): string {
  const here = Object.keys(schemaAt(schema, path)?.properties ?? {});
  const near = nearest(key, here);
  if (near !== null) return `; did you mean ${near}?`;
  const elsewhere = Object.entries(schema.properties ?? {}).find(([, section]) => Object.hasOwn(section.properties ?? {}, key));
  if (elsewhere !== undefined) return `; did you mean ${elsewhere[0]}.${key}?`;
  return here.length === 0 ? '' : `; there are ${here.join(', ')}`;
}

/** The problems of the form of a union that the value was meant to have: the one whose own type it is. */
function unionProblems(issue: z.core.$ZodIssueInvalidUnion, path: readonly PropertyKey[], root: unknown, schema: JsonSchema): Problem[] {
  const isOtherType = (inner: Issue) => inner.code === 'invalid_type' && inner.path.length === 0;
  const meant = issue.errors.find((issues) => !issues.some(isOtherType));
  if (meant !== undefined) return meant.flatMap((inner) => problemsOf(inner, path, root, schema));
  const forms = issue.errors.flatMap((issues) =>
    issues.flatMap((inner) => (inner.code === 'invalid_type' ? [words[inner.expected] ?? inner.expected] : [])),
  );
  return [{ path, message: typeMessage(forms.join(' or '), valueAt(root, path)) }];
}

function typeMessage(expected: string, value: unknown): string {
  if (value === undefined) return `is missing: it must be ${expected}`;
  if (typeof value === 'number' && /^a (whole )?number$/.test(expected))
    return `must be ${expected}${Number.isFinite(value) ? '' : ', and a finite one'}`;
  const needsQuotes = expected === 'a text' && (typeof value === 'number' || typeof value === 'boolean');
  return `must be ${expected}, not ${typeName(value)}${needsQuotes ? ' (put it in quotes)' : ''}`;
}

function typeName(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  return words[typeof value] ?? typeof value;
}

function choiceMessage(issue: z.core.$ZodIssueInvalidValue, value: unknown): string {
  const choices = issue.values.map(String);
  const near = typeof value === 'string' ? nearest(value, choices) : null;
  const suggestion = near === null ? '' : `; did you mean ${near}?`;
  // A schema's own words are the better ones.
  return `${/^must be /.test(issue.message) ? issue.message : `must be one of ${choices.join(', ')}`}${suggestion}`;
}

function boundMessage(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig): string {
  const unit = issue.origin === 'string' ? ' characters' : issue.origin === 'array' ? ' entries' : '';
  const bound = issue.code === 'too_small' ? issue.minimum : issue.maximum;
  const direction = issue.code === 'too_small' ? ['at least', 'above'] : ['at most', 'below'];
  return `must be ${issue.inclusive === false ? direction[1] : direction[0]} ${bound}${unit}`;
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, step) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, step) ? (value as Record<PropertyKey, unknown>)[step] : undefined,
    root,
  );
}
