import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { customerMessageRules, type StandinOptions, type StandinTeacher, startStandinTeacher } from '@llambert/tool-standin-teacher';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Asker } from '../terminal/asker.ts';
import { type BeginRequest, beginTask } from './begin-task.ts';

let folder: string;
let teacher: StandinTeacher;
const servers: StandinTeacher[] = [];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'llambert-init-'));
  const rows = Array.from({ length: 30 }, (_, index) =>
    JSON.stringify({ id: index, note: `n${index}`, message: `Where is my parcel ${index}?` }),
  );
  writeFileSync(join(folder, 'in.jsonl'), `${rows.join('\n')}\n`);
  teacher = await start({});
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
  rmSync(folder, { recursive: true });
});

async function start(options: Partial<StandinOptions>): Promise<StandinTeacher> {
  const server = await startStandinTeacher({ annotator: customerMessageRules, ...options });
  servers.push(server);
  return server;
}

const out = () => join(folder, 'task.yaml');

function request(flags: Partial<BeginRequest['flags']> = {}, rest: Partial<BeginRequest> = {}): BeginRequest {
  return {
    flags: {
      description: 'What is wanted?',
      labels: ['delivery', 'refund'],
      kind: 'single',
      baseUrl: teacher.baseUrl,
      model: 'standin-rules',
      priceInput: 1,
      priceOutput: 2,
      budget: 1,
      yes: true,
      ...flags,
    },
    inputs: [join(folder, 'in.jsonl')],
    reading: { fields: {} },
    out: out(),
    force: false,
    tryTeacher: true,
    environment: {},
    ...rest,
  };
}

async function begin(what: BeginRequest, asker: Asker | null = null, signal = new AbortController().signal) {
  const printed: string[] = [];
  const notices: string[] = [];
  const begun = await beginTask(what, { asker, print: (line) => printed.push(line), notice: (message) => notices.push(message), signal });
  return { begun, printed: printed.join('\n'), notices: notices.join('\n') };
}

/** Somebody who answers by what the question holds; a question nobody expects is an error. */
function person(answers: Readonly<Record<string, unknown>>): Asker & { readonly asked: string[] } {
  const asked: string[] = [];
  const answer = (question: string): never => {
    asked.push(question);
    const key = Object.keys(answers).find((part) => question.includes(part));
    if (key === undefined) throw new Error(`not expected: ${question}`);
    return answers[key] as never;
  };
  return {
    asked,
    text: async (question) => answer(question),
    amount: async (question) => answer(question),
    agree: async (question) => answer(question),
    choose: async (question, choices) => {
      const wanted: unknown = answer(question);
      const found = choices.find(({ name }) => name.includes(String(wanted)));
      if (found === undefined) throw new Error(`no choice "${wanted}" among ${choices.map(({ name }) => name).join(' / ')}`);
      return found.value;
    },
  };
}

describe('beginTask', () => {
  it('shows ten answers with their price, says what they promise, and writes', async () => {
    const { begun, printed } = await begin(request());
    expect(begun.file).toBe(out());
    expect(begun.trial).toHaveLength(10);
    expect(begun.trial.map(({ labels }) => labels)).toEqual(Array.from({ length: 10 }, () => ['delivery']));
    expect(begun.readingFlags).toEqual(['--text-field', 'message']);
    expect(printed).toMatch(/→ delivery {3}\$0\.00\d+/);
    expect(printed).toContain('within its cap of $1.00');
    const { promptTokens, completionTokens } = teacher.ledger().billed;
    expect(begun.cost).toBe((promptTokens + 2 * completionTokens) * 1000);
    expect(readFileSync(out(), 'utf8')).toContain('task: in\n');
  });

  it('asks the same documents again of the same input', async () => {
    const ids = async () => (await begin(request({}, { force: true }))).begun.trial.map(({ document }) => document.id);
    expect(await ids()).toEqual(await ids());
  });

  it('writes nothing where the person does not want it', async () => {
    const asker = person({ 'Which column': 'message', 'Write ': false });
    const { begun } = await begin(request(), asker);
    expect(begun).toMatchObject({ file: null });
    expect(existsSync(out())).toBe(false);
    expect(asker.asked.at(-1)).toContain('Write ');
  });

  it('offers the columns, the endpoints and the models of the server', async () => {
    const { description: _, labels: __, baseUrl: ___, model: ____, kind: _____, ...rest } = request().flags;
    const asker = person({
      'Which column': 'note',
      'What should the labels say': 'Which?',
      'The labels, with commas': 'a, b',
      'How many': 'any number',
      'Which teacher': 'another',
      'base URL': teacher.baseUrl,
      'environment variable': '',
      'Which model': 'standin-rules',
      'Write ': true,
    });
    const { begun } = await begin({ ...request(), flags: rest }, asker);
    expect(begun.task.spec).toMatchObject({ kind: 'multi', description: 'Which?' });
    expect(begun.task.spec.labels.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(begun.readingFlags).toEqual(['--text-field', 'note']);
    expect(begun.trial[0]?.document.text).toMatch(/^n\d+$/);
  });

  it('offers columns whose values could be ids, and says what ids are made of', async () => {
    const rows = Array.from({ length: 20 }, (_, index) => `N${index},Where is my parcel ${index}?,${index % 2}`);
    writeFileSync(join(folder, 'in.csv'), `番号,message,shelf\n${rows.join('\n')}\n`);
    const inputs = [join(folder, 'in.csv')];
    const asker = person({ 'Which column holds the text': 'message', 'holds the id': '番号', 'Write ': true });
    const { begun } = await begin(request({}, { inputs }), asker);
    expect(begun.readingFlags).toEqual(['--id-field', '番号', '--text-field', 'message']);
    expect(begun.trial[0]!.document.id).toMatch(/^N\d+$/);

    const made = person({ 'Which column holds the text': 'message', 'holds the id': 'none', 'Write ': true });
    const other = await begin(request({}, { inputs, force: true }), made);
    expect(other.begun.readingFlags).toEqual(['--text-field', 'message']);
    expect(other.notices).toContain("the ids are made of the file's name and the place in it, such as in.csv:2");

    const unasked = await begin(request({}, { inputs, force: true }));
    expect(unasked.notices).toContain('--id-field 番号');
    expect((await begin(request({}, { force: true }))).notices).toContain('the ids are those of the column "id"');
  });

  it('spends nothing where ten answers might not fit the cap', async () => {
    await expect(begin(request({ budget: 0.001 }))).rejects.toMatchObject({ code: 'budget_exhausted' });
    expect(teacher.ledger().billed.calls).toBe(0);
    expect(existsSync(out())).toBe(false);
  });

  it('leaves a file alone that is there, before anything is asked or spent', async () => {
    writeFileSync(out(), 'mine');
    await expect(begin(request())).rejects.toMatchObject({ code: 'conflict' });
    await expect(begin(request(), person({ 'is there already': false }))).rejects.toMatchObject({ code: 'conflict' });
    expect(readFileSync(out(), 'utf8')).toBe('mine');
    expect(teacher.ledger().billed.calls).toBe(0);
  });

  it.each(['10.255.255.1:bad', 'ftp://example.org/v1'])('refuses the address %s', async (baseUrl) => {
    await expect(begin(request({ baseUrl }))).rejects.toMatchObject({ code: 'invalid_input' });
    expect(existsSync(out())).toBe(false);
  });

  it('says where the key should be, and never what it might be', async () => {
    await expect(begin(request({ apiKeyEnv: 'MY_KEY' }))).rejects.toThrow('MY_KEY');
    const pasted = 'sk-abcdef0123456789abcdef';
    const error: unknown = await begin(request({ apiKeyEnv: pasted })).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'invalid_input' });
    expect(String(error)).not.toContain(pasted);
  });

  it('ends where the key is refused', async () => {
    teacher = await start({ apiKey: 'right' });
    await expect(begin(request({ apiKeyEnv: 'KEY' }, { environment: { KEY: 'wrong' } }))).rejects.toMatchObject({
      code: 'teacher_refused_credentials',
    });
    const { begun } = await begin(request({ apiKeyEnv: 'KEY' }, { environment: { KEY: 'right' } }));
    expect(begun.trial).toHaveLength(10);
    expect(readFileSync(out(), 'utf8')).toContain('apiKeyEnv: KEY');
  });

  it('waits and asks again where that costs nothing, and shows what is no label', async () => {
    teacher = await start({ faults: { 'rate-limit': { first: 1 }, refusal: { first: 1 } }, retryAfterSeconds: 0 });
    const { begun, printed } = await begin(request());
    expect(begun.trial.filter(({ labels }) => labels === null)).toHaveLength(1);
    expect(printed).toContain('no label (refused');
    expect(printed).toContain('1 without a label');
    expect(teacher.ledger().billed.calls).toBe(10);
  });

  it('books an answer at its worst price where the server does not say its tokens', async () => {
    teacher = await start({ faults: { 'missing-usage': { first: 1 } } });
    const { begun } = await begin(request());
    expect(begun.trial[0]!.cost).toBeGreaterThan(begun.trial[1]!.cost);
  });

  it('marks what is a bound and no price, and says why', async () => {
    teacher = await start({ faults: { 'missing-usage': { probability: 1 } } });
    const { printed } = await begin(request());
    expect(printed.match(/→ delivery {3}at most \$/g)).toHaveLength(10);
    expect(printed).toContain('10 documents: at most $');
    expect(printed).toContain('the server does not say how many tokens it took');
    expect(printed).toContain('for the worst price counts against it');
    expect((await begin(request({ budget: 100 }, { force: true }))).printed).toContain('would cost at most $');
    teacher = await start({});
    expect((await begin(request({}, { force: true }))).printed).not.toContain('at most');
  });

  it('does not say what labels cost where there were none', async () => {
    teacher = await start({ faults: { 'unknown-label': { probability: 1 } } });
    const { printed } = await begin(request({ priceInput: 0, priceOutput: 0 }));
    expect(printed).toContain('No answer could be used (unknown label: 10), so nothing can be said of what labels cost');
    expect(printed).not.toContain('costs nothing');
  });

  it('says which flags a task cannot be made of', async () => {
    await expect(begin(request({ labels: ['only'] }))).rejects.toThrow(/at least two[\s\S]*--labels/);
    await expect(begin(request({}, { reading: { fields: { text: 'none' } } }))).rejects.toMatchObject({ code: 'invalid_input' });
  });

  it('stops on request without writing', async () => {
    await expect(begin(request(), null, AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
    expect(existsSync(out())).toBe(false);
  });
});
