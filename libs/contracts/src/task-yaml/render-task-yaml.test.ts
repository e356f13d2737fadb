import { LlambertError } from '@llambert/domain';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { completeTask } from './complete-task.ts';
import { contradictions } from './contradictions.ts';
import { taskJsonSchema } from './json-schema.ts';
import { parseTaskYaml } from './parse-task-yaml.ts';
import { renderTaskYaml } from './render-task-yaml.ts';
import type { TaskDraft } from './schema.ts';

const films: TaskDraft = {
  task: 'films',
  description: 'Does the writer recommend the film?',
  labels: [
    { name: 'positive', description: 'recommends it' },
    { name: 'negative', description: '' },
  ],
  teacher: { model: 'gpt-4o-mini', baseUrl: 'https://api.openai.com/v1', apiKeyEnv: 'OPENAI_API_KEY', price: { input: 0.15, output: 0.6 } },
};

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom(...'\n\r\t :#-|>\'"{}[]&*!%@`,?', 'a', 'é', '\u0085', '\u2028', '\ufeff', '1', 'yes', '~') }),
  fc.constantFrom('null', 'true', '1', '1e3', '0x1F', '2026-11-24', '---', '...', '- x', '# x', '~', '<<', '=', '!!str x', '__proto__'),
);
const filled = text.filter((value) => value.trim() !== '');
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const partly = <T>(fields: { [Key in keyof T]: fc.Arbitrary<T[Key]> }) => fc.record(fields, { requiredKeys: [] });
const openShare = fc.double({ min: 0.001, max: 0.999, noNaN: true });
const usd = fc.nat(10 ** 12).map((nano) => nano / 1e9);

const drafts: fc.Arbitrary<TaskDraft> = fc
  .record({
    task: fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,62}$/),
    description: filled,
    kind: maybe(fc.constantFrom('single' as const, 'multi' as const)),
    labels: fc.array(fc.record({ name: filled, description: text }), { minLength: 2, maxLength: 5 }),
    guide: maybe(text),
    teacher: fc.record({
      model: filled,
      baseUrl: fc.constantFrom('https://api.openai.com/v1', 'http://localhost:8000/v1//'),
      apiKeyEnv: fc.constantFrom(null, undefined, 'OPENAI_API_KEY'),
      price: fc.record({ input: usd, output: usd }),
      temperature: maybe(fc.double({ min: 0, max: 2, noNaN: true })),
    }),
    budget: maybe(partly({ usd, annotations: fc.integer({ min: 1, max: 5000 }) })),
    sampling: maybe(partly({ seed: fc.nat(), stratifyBy: fc.option(filled), targetAgreement: fc.option(openShare) })),
    student: maybe(partly({ model: fc.constantFrom('linear' as const, 'auto' as const), seed: fc.nat() })),
    gold: fc.oneof(
      fc.constantFrom(null, undefined),
      filled,
      fc.record({ file: filled, sampled: fc.constantFrom('uniform' as const, 'chosen' as const) }),
    ),
    routing: maybe(partly({ targetError: openShare, confidence: openShare })),
    topics: maybe(partly({ source: fc.constant('a.b'), predictions: fc.constant('c_d') })),
  })
  .chain((draft) =>
    fc
      .array(fc.record({ text: filled, textPair: maybe(text), label: fc.constantFrom(...draft.labels.map((label) => label.name)) }), {
        maxLength: 3,
      })
      .map((examples) => ({ ...draft, examples })),
  )
  .filter((draft) => contradictions(draft).length === 0);

describe('renderTaskYaml', () => {
  it('writes what reads back as the same task', () => {
    fc.assert(
      fc.property(drafts, (draft) => {
        const read = parseTaskYaml(renderTaskYaml(draft), { fileName: 'task.yaml' });
        expect(read).toEqual(completeTask(draft, 'llambert'));
      }),
      { numRuns: 300 },
    );
  });

  it('comments every setting in one line, in the order of the schema', () => {
    const lines = renderTaskYaml(films, { schema: './task.schema.json' }).split('\n');
    expect(lines[0]).toBe('# yaml-language-server: $schema=./task.schema.json');
    const firstLevel = lines.filter((line) => /^\w+:/.test(line)).map((line) => line.split(':', 1)[0]);
    expect(firstLevel).toEqual(Object.keys(taskJsonSchema().properties ?? {}).filter((key) => key !== 'topics'));
    for (const [index, line] of lines.entries()) {
      if (/^( {2})?[a-zA-Z]+: ?/.test(line) && !/^ {2}(positive|negative)/.test(line)) expect(lines[index - 1]).toMatch(/^ *# \S/);
    }
  });

  it('refuses a draft that contradicts itself', () => {
    expect(() => renderTaskYaml({ ...films, labels: [] })).toThrow(LlambertError);
    expect(() => renderTaskYaml({ ...films, task: 'Not a name' })).toThrow(/task: must be/);
  });
});
