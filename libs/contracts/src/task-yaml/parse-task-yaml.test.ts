import { LlambertError } from '@llambert/domain';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaults } from './defaults.ts';
import { parseTaskYaml } from './parse-task-yaml.ts';
import { writeStudentModel } from './student-model.ts';

const films = `task: film-reviews
description: Does the writer recommend the film on the whole?
labels: {positive: recommends it, negative: does not}     # or a list
guide: |
  Judge the whole text. Irony counts by its meaning.
examples: [{text: "A waste of two hours.", label: negative}]
teacher: {model: gpt-4o-mini, baseUrl: https://api.openai.com/v1, apiKeyEnv: OPENAI_API_KEY, price: {input: 0.15, output: 0.60}}
budget: {usd: 5, annotations: 2000}
sampling: {strategy: representative, seed: 1}
student: {model: auto}
gold: gold.jsonl
routing: {targetError: 0.05, confidence: 0.95}
`;

const least = `task: t
description: What is it?
labels: [a, b]
teacher: {model: m, baseUrl: http://localhost:8000/v1}
`;

const parse = (text: string) => parseTaskYaml(text, { fileName: 'task.yaml' });

function problemsOf(text: string): string[] {
  try {
    parse(text);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(LlambertError);
    expect(error).toMatchObject({ code: 'invalid_task' });
    return (error as LlambertError).message.split('\n');
  }
}

describe('a good task.yaml', () => {
  it("is read: DESIGN's example", () => {
    expect(parse(films)).toEqual({
      goldFile: 'gold.jsonl',
      goldDraw: null,
      task: {
        name: 'film-reviews',
        spec: {
          description: 'Does the writer recommend the film on the whole?',
          kind: 'single',
          labels: [
            { name: 'positive', description: 'recommends it' },
            { name: 'negative', description: 'does not' },
          ],
          guide: 'Judge the whole text. Irony counts by its meaning.',
          examples: [{ text: 'A waste of two hours.', labels: ['negative'] }],
        },
        settings: {
          teacher: {
            model: 'gpt-4o-mini',
            baseUrl: 'https://api.openai.com/v1',
            apiKeyEnv: 'OPENAI_API_KEY',
            price: { input: 0.15, output: 0.6 },
            temperature: 0,
            concurrency: 8,
            maxOutputTokens: 64,
            maxPromptBytes: 32_000,
            timeoutSeconds: 60,
            onOutcomeUnknown: 'repeat',
          },
          budget: { usd: 5, annotations: 2000 },
          sampling: {
            strategy: 'representative',
            seed: 1,
            stratifyBy: null,
            poolSize: 10_000,
            rounds: 3,
            plateauGain: 0.005,
            targetAgreement: null,
            quorum: 0.9,
            deadlineSeconds: 86_400,
          },
          student: {
            model: 'auto',
            encoder: null,
            minutes: 30,
            seed: 1,
            classWeights: 'none',
            likelyWrong: 'keep',
            maxTokens: 256,
            truncation: 'head',
            ensemble: true,
            pseudoLabels: null,
            fineTuning: defaults.student.fineTuning,
          },
          routing: { targetError: 0.05, confidence: 0.95 },
        },
        topics: { source: 'llambert.film-reviews.documents.v1', predictions: 'llambert.film-reviews.prediction.made.v1' },
      },
    });
  });

  it('may leave out almost everything', () => {
    const { task, goldFile } = parse(least);
    expect(goldFile).toBeNull();
    expect(task.settings.budget).toEqual({ usd: 5, annotations: 2000 });
    expect(task.settings.teacher).toMatchObject({ apiKeyEnv: null, price: { input: 0, output: 0 } });
  });

  it('may begin with a byte-order mark and have Windows line ends', () => {
    expect(parse(`\ufeff${films.replaceAll('\n', '\r\n')}`).task).toEqual(parse(films).task);
  });

  it('keeps labels in their order and as they are spelled, also numbers and switches', () => {
    const names = (labels: string) => parse(least.replace('[a, b]', labels)).task.spec.labels.map((label) => label.name);
    expect(names('{5: great, 1: awful, 03: so so}')).toEqual(['5', '1', '03']);
    expect(names('[2.0, 1, true, no]')).toEqual(['2.0', '1', 'true', 'no']);
    expect(names('[" a ", b]')).toEqual(['a', 'b']);
    expect(names('{__proto__: x, constructor: y}')).toEqual(['__proto__', 'constructor']);
    expect(parse(`${least.replace('[a, b]', '[1.0, 2.0]')}examples: [{text: x, label: 1.0}]`).task.spec.examples).toEqual([
      { text: 'x', labels: ['1.0'] },
    ]);
  });

  it('takes several labels, or none, where kind is multi', () => {
    const text = `${least}kind: multi\nexamples: [{text: x, labels: [b, a]}, {text: y, labels: []}, {text: z, textPair: w, label: a}]\n`;
    expect(parse(text).task.spec.examples).toEqual([
      { text: 'x', labels: ['b', 'a'] },
      { text: 'y', labels: [] },
      { text: 'z', textPair: 'w', labels: ['a'] },
    ]);
    expect(problemsOf(`${least.replace('[a, b]', '[a]')}kind: multi`)).toEqual([]);
  });

  it('says how gold was drawn', () => {
    expect(parse(`${least}gold: {file: g.csv, sampled: uniform}`)).toMatchObject({ goldFile: 'g.csv', goldDraw: 'uniform' });
  });

  it('leaves a longer answer room for many or long labels', () => {
    const longNames = `[${Array.from({ length: 40 }, (_, index) => `label-number-${index}`).join(', ')}]`;
    expect(parse(least.replace('[a, b]', longNames)).task.settings.teacher.maxOutputTokens).toBe(64);
    expect(parse(`${least.replace('[a, b]', longNames)}kind: multi`).task.settings.teacher.maxOutputTokens).toBeGreaterThan(400);
  });

  it('spreads few annotations over fewer rounds and many over a larger pool', () => {
    expect(parse(`${least}budget: {annotations: 2}`).task.settings.sampling.rounds).toBe(2);
    expect(parse(`${least}budget: {annotations: 50000}`).task.settings.sampling.poolSize).toBe(100_000);
  });

  it('names topics by the prefix, unless they are named', () => {
    const { topics } = parseTaskYaml(`${least}topics: {source: mails}`, { fileName: 'f', prefix: 'acme' }).task;
    expect(topics).toEqual({ source: 'mails', predictions: 'acme.t.prediction.made.v1' });
  });

  it('may cost nothing where the teacher costs nothing', () => {
    expect(parse(`${least}budget: {usd: 0}`).task.settings.budget.usd).toBe(0);
  });

  it('counts a price next to a nano-dollar as that', () => {
    const priced = least.replace('/v1}', '/v1, price: {input: 0.30000000000000004, output: 1}}');
    expect(parse(priced).task.settings.teacher.price.input).toBe(0.3);
  });
});

describe('a student', () => {
  it('names its encoder in its model alone', () => {
    expect(problemsOf(`${least}student: {model: auto, encoder: "hf:a/b"}\n`).join()).toContain('student.encoder: is no setting');
    expect(problemsOf(`${least}student: {model: "auto:"}\n`)).toHaveLength(1);
  });

  it.each([
    ['linear', { model: 'linear', encoder: null }],
    ['"frozen:hf:a/b@v2"', { model: 'frozen', encoder: 'hf:a/b@v2' }],
    ['auto', { model: 'auto', encoder: null }],
    ['"auto:hf:a/b"', { model: 'auto', encoder: 'hf:a/b' }],
    ['"auto:scratch:small"', { model: 'auto', encoder: 'scratch:small' }],
    ['"hf:a/b"', { model: 'fine-tuned', encoder: 'hf:a/b' }],
    ['../models/minilm', { model: 'fine-tuned', encoder: '../models/minilm' }],
    ['"scratch:small"', { model: 'fine-tuned', encoder: 'scratch:small' }],
  ])('%s is read and written back', (written, expected) => {
    const { task } = parse(`${least}student: {model: ${written}}\n`);
    expect(task.settings.student).toMatchObject(expected);
    expect(writeStudentModel(task.settings.student)).toBe(written.replaceAll('"', ''));
  });
});

describe('a bad task.yaml', () => {
  it('has every problem named with line and column, in their order', () => {
    const text = films
      .replace('seed: 1', 'sed: 1')
      .replace('label: negative', 'label: negativ')
      .replace('student: {', 'student: {mode: x, ')
      .replace('usd: 5', 'usd: -5');
    expect(problemsOf(text)).toEqual([
      'task.yaml:6:44 examples[0].label: is none of the labels; did you mean negative?',
      'task.yaml:8:10 budget.usd: must be at least 0',
      'task.yaml:9:38 sampling.sed: is no setting; did you mean seed?',
      'task.yaml:10:11 student.mode: is no setting; did you mean model?',
    ]);
  });

  it('is refused with the line for machines', () => {
    expect(() => parse(films.replace('seed: 1', 'sed: 1'))).toThrow(
      expect.objectContaining({ facts: { file: 'task.yaml', line: 9, problems: 1 } }),
    );
  });

  it.each([
    ['an empty file', '', 'the file is empty'],
    ['only comments', '# nothing\n', 'the file is empty'],
    ['a list', '- a', 'must be a map, not a list'],
    ['a text', 'hello', 'must be a map, not a text'],
    ['broken YAML', `${least}guide: "open`, 'task.yaml:5:13 not valid YAML'],
    ['a tab', 'task:\n\tx: 1', 'Tabs are not allowed'],
    ['a key that is there twice', `${least}task: u\n`, 'task.yaml:5:1 this key stands here a second time'],
    ['two documents', `${least}---\n${least}`, 'multiple documents'],
    ['an alias', `${least}guide: &g x\ngold: *g`, 'task.yaml:6:7 aliases'],
    ['a bomb of aliases', `a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]`, 'aliases'],
    ['a tag', `${least}guide: !!binary aGk=`, 'Unresolved tag'],
    ['brackets without end', '['.repeat(50_000), 'nested too deeply'],
    ['a huge file', ' '.repeat(3_000_000), 'longer than'],
  ])('%s', (_, text, message) => {
    expect(problemsOf(text).join('\n')).toContain(message);
  });

  it.each([
    ['an unknown key', 'bugdet: {usd: 1}', '5:1 bugdet: is no setting; did you mean budget?'],
    ['a key in another style', 'sampling: {pool_size: 9999}', 'sampling.pool_size: is no setting; did you mean poolSize?'],
    ['a key of another section', 'usd: 5', 'usd: is no setting; did you mean budget.usd?'],
    [
      'an unknown word',
      'sampling: {strategy: representive}',
      'sampling.strategy: must be one of representative, stratified, uniform; did you mean representative?',
    ],
    ['a wrong type', 'budget: {usd: "5"}', 'budget.usd: must be a number, not a text'],
    ['a number for a text', 'guide: 5', 'guide: must be a text, not a number (put it in quotes)'],
    ['an infinite number', 'budget: {usd: .inf}', 'budget.usd: must be a number, and a finite one'],
    ['no annotations', 'budget: {annotations: 0}', 'budget.annotations: must be at least 1'],
    ['half an annotation', 'budget: {annotations: 0.5}', 'budget.annotations: must be a whole number'],
    ['a negative budget', 'budget: {usd: -1}', 'budget.usd: must be at least 0'],
    ['money finer than the ledger', 'budget: {usd: 1e-12}', 'budget.usd: is finer than a billionth of a dollar'],
    ['an error of all', 'routing: {targetError: 1}', 'routing.targetError: must be below 1'],
    ['an error of none', 'routing: {targetError: 0}', 'routing.targetError: must be above 0'],
    ['a student that there is not', 'student: {model: linea}', 'which is no student'],
    ['a frozen encoder with fresh weights', 'student: {model: "frozen:scratch:small"}', 'whose embeddings mean nothing'],
    ['a hub name without its owner', 'student: {model: "hf:bert"}', 'the owner is missing'],
    ['a learning rate that is none', 'student: {fineTuning: {learningRate: 3}}', 'student.fineTuning.learningRate'],
    ['an example without a label', 'examples: [{text: x}]', 'examples[0]: must have either label or labels'],
    ['an example with both', 'examples: [{text: x, label: a, labels: [a]}]', 'examples[0]: must have either label or labels'],
    ['an example with two labels for one', 'examples: [{text: x, labels: [a, b]}]', 'examples[0].labels: must be exactly one label'],
    [
      'an example that names a label twice',
      'kind: multi\nexamples: [{text: x, labels: [a, a]}]',
      'examples[0].labels: names a label twice',
    ],
    ['an empty example', 'examples: [{text: " ", label: a}]', 'examples[0].text: must not be empty'],
    ['a pool too small', 'sampling: {poolSize: 10}', 'sampling.poolSize: must be at least budget.annotations (2000)'],
    ['nobody to ask again', 'sampling: {rounds: 1}\nstudent: {likelyWrong: ask-teacher}', 'student.likelyWrong: cannot be ask-teacher'],
    ['too many rounds', 'sampling: {rounds: 12}', 'sampling.rounds: must be at most 11 for 2000 annotations'],
    ['strata in a uniform draw', 'sampling: {strategy: uniform, stratifyBy: shop}', 'sampling.stratifyBy: has no meaning'],
    ['a topic no one can have', 'topics: {source: "my topic"}', 'topics.source: may hold only'],
    ['one topic for both', 'topics: {source: x, predictions: x}', 'topics.predictions: must be another topic'],
    ['a guide that fills every prompt', `guide: ${'x'.repeat(40_000)}`, 'teacher.maxPromptBytes: must be above'],
    ['half a surrogate pair', 'guide: "\\ud800"', 'guide: holds half of a surrogate pair'],
    ['a wrong gold', 'gold: 5', 'gold: must be a text or a map or null, not a number'],
    ['an unknown draw', 'gold: {file: g, sampled: random}', 'gold.sampled: must be one of uniform, chosen'],
  ])('%s', (_, line, message) => {
    expect(problemsOf(`${least}${line}\n`).join('\n')).toContain(message);
  });

  it.each([
    ['one label', '[a]', 'labels: must be at least two where kind is single'],
    ['no label', '[]', 'labels: must be at least two'],
    ['a label twice', '[a, b, " a"]', '3:16 labels[2]: is there twice'],
    ['a label twice in a map', '{a: x, b: y, "a ": z}', 'labels.a : is there twice'],
    ['a label twice in two forms of Unicode', '["\\u00e9", "e\\u0301"]', 'labels[1]: is there twice'],
    ['an empty label', '[a, ""]', 'labels[1]: must be a name, not empty'],
    ['an empty entry', '[a, ]\n  - b', 'not valid YAML'],
    ['null', '[a, null]', 'labels[1]: must be a text, not empty'],
    ['a label of two lines', '[a, "b\\nc"]', 'labels[1]: must be one line'],
    ['a description that is a list', '{a: x, b: [y]}', 'labels.b: must be a text, not a list'],
    ['a text', 'a, b', 'labels: must be a list or a map, not a text'],
  ])('labels: %s', (_, labels, message) => {
    expect(problemsOf(least.replace('[a, b]', labels)).join('\n')).toContain(message);
  });

  it.each(['', 'Films', '-films', 'film reviews', 'x'.repeat(64), 'film_reviews'])('the name "%s"', (name) => {
    expect(problemsOf(least.replace('task: t', `task: "${name}"`)).join('\n')).toContain('task: must be at most 63 lower-case letters');
  });

  it.each([
    ['a price that is missing', '{model: m, baseUrl: https://api.openai.com/v1}', 'teacher.price: is missing: without it no cap can hold'],
    ['half a price', '{model: m, baseUrl: https://api.openai.com/v1, price: {input: 1}}', 'teacher.price.output: is missing'],
    ['an address that is none', '{model: m, baseUrl: api.openai.com}', 'teacher.baseUrl: must be an address'],
    ['another protocol', '{model: m, baseUrl: "file:///etc/passwd"}', 'teacher.baseUrl: must be an address'],
    ['a query', '{model: m, baseUrl: "http://localhost/v1?key=1"}', 'teacher.baseUrl: must not have a ?query'],
    ['nothing', '{}', 'teacher.model: is missing'],
  ])('teacher: %s', (_, teacher, message) => {
    expect(problemsOf(least.replace(/\{model.*/, teacher)).join('\n')).toContain(message);
  });

  it('with a budget of zero and a teacher that costs money', () => {
    expect(problemsOf(films.replace('usd: 5', 'usd: 0'))).toEqual([
      'task.yaml:8:10 budget.usd: must be above 0, for the teacher has a price',
    ]);
  });
});

describe('a secret', () => {
  it.each([
    'sk-proj-Ab3dEf6hIj9kLmN0pQrS',
    'gsk_Ab3dEf6hIj9kLmN0pQrSuVwX',
    'hf_AbCdEfGh1jKlMnOpQrStUvWx',
    'AIzaSyA1234567890abcdefGHIJKL',
    '0123456789abcdef0123456789abcdef',
    'Bearer abc',
  ])('that is pasted is refused and not repeated: %s', (secret) => {
    for (const text of [
      films.replace('OPENAI_API_KEY', secret),
      films.replace('apiKeyEnv: OPENAI_API_KEY', `apiKeyEnv: "${secret}`),
      films.replace('apiKeyEnv: OPENAI_API_KEY', `apiKey: ${secret}`),
      films.replace('https://api', `https://user:${encodeURIComponent(secret)}@api`),
    ]) {
      const problems = problemsOf(text).join('\n');
      expect(problems).not.toBe('');
      expect(problems).not.toContain(secret);
    }
  });

  it.each(['OPENAI_API_KEY', 'MY_KEY_2', 'openai_api_key', 'TOKEN', '_K', 'HF_TOKEN', 'pk_test', 'teacher_key_for_llama_70b'])(
    'is not what %s is',
    (name) => {
      expect(parse(films.replace('OPENAI_API_KEY', name)).task.settings.teacher.apiKeyEnv).toBe(name);
    },
  );
});

describe('any text', () => {
  const parsesOrRefuses = (text: string) => {
    problemsOf(text);
  };

  it('is parsed or refused, never more', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), parsesOrRefuses));
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'{}[]:,-#&*!|>\'"%@`?~ \n\t', 'a', '1', 'labels', 'task', '<<') }), parsesOrRefuses),
    );
  });

  it('is parsed or refused where a good one was damaged', () => {
    const damage = fc.record({ at: fc.nat(films.length), remove: fc.nat(30), put: fc.string({ maxLength: 10 }) });
    fc.assert(
      fc.property(fc.array(damage, { minLength: 1, maxLength: 3 }), (changes) => {
        let text = films;
        for (const { at, remove, put } of changes) text = text.slice(0, at) + put + text.slice(at + remove);
        parsesOrRefuses(text);
      }),
      { numRuns: 500 },
    );
  });

  it('is parsed or refused where a setting has another value', () => {
    const settings = [
      'task',
      'description',
      'labels',
      'kind',
      'guide',
      'examples',
      'teacher',
      'budget',
      'sampling',
      'student',
      'gold',
      'routing',
      'topics',
    ];
    const good = parseableFilms();
    fc.assert(
      fc.property(fc.constantFrom(...settings), fc.jsonValue(), (setting, value) =>
        parsesOrRefuses(JSON.stringify({ ...good, [setting]: value })),
      ),
      { numRuns: 500 },
    );
  });

  function parseableFilms(): object {
    return { task: 't', description: 'd', labels: ['a', 'b'], teacher: { model: 'm', baseUrl: 'http://localhost/v1' } };
  }
});
