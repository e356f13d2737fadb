import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type JsonSchema, taskJsonSchema } from './json-schema.ts';

describe('taskJsonSchema', () => {
  it('is what is published', () => {
    const published: unknown = JSON.parse(readFileSync(new URL('../../schema/task.schema.json', import.meta.url), 'utf8'));
    expect(published).toEqual(taskJsonSchema());
  });

  it('describes every setting in one line', () => {
    const visit = (schema: JsonSchema, path: string) => {
      for (const [key, part] of Object.entries(schema.properties ?? {})) {
        expect(part.description, `${path}${key}`).toMatch(/^[^\n]{5,120}$/);
        visit(part, `${path}${key}.`);
      }
      if (schema.items !== undefined) visit(schema.items, `${path}[].`);
      for (const form of schema.anyOf ?? []) visit(form, path);
    };
    visit(taskJsonSchema(), '');
  });

  it('allows no unknown settings', () => {
    expect(taskJsonSchema()).toMatchObject({ additionalProperties: false, required: ['task', 'description', 'labels', 'teacher'] });
  });
});
