import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Annotator } from './annotator.ts';
import type { Ledger } from './books.ts';
import { customerMessageRules } from './rules.ts';
import { type StandinOptions, type StandinTeacher, startStandinTeacher } from './server.ts';

const running: StandinTeacher[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((teacher) => teacher.close()));
});

async function start(options: Partial<StandinOptions> = {}): Promise<StandinTeacher> {
  const teacher = await startStandinTeacher({ annotator: customerMessageRules, ...options });
  running.push(teacher);
  return teacher;
}

const intents = ['delivery', 'refund', 'product', 'account', 'feedback'];

function schema(kind: 'label' | 'labels' = 'label', labels = intents) {
  const value = { type: 'string', enum: labels };
  const property = kind === 'label' ? value : { type: 'array', items: value };
  const schema = { type: 'object', properties: { [kind]: property }, required: [kind], additionalProperties: false };
  return { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema } };
}

function question(text = 'Where is my parcel? It never arrived.', more: Record<string, unknown> = {}) {
  return {
    model: 'any',
    messages: [
      { role: 'system', content: 'Label it, in JSON.' },
      { role: 'user', content: `<document>\n${text}\n</document>` },
    ],
    ...more,
  };
}

interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: {
    readonly model: string;
    readonly system_fingerprint: string;
    readonly usage?: { prompt_tokens: number; completion_tokens: number; total_tokens: number };
    readonly choices: readonly {
      readonly message: { readonly content: string | null; readonly refusal: string | null };
      readonly finish_reason: string;
      readonly logprobs: {
        readonly content: readonly { token: string; logprob: number; bytes: number[]; top_logprobs: { token: string }[] }[];
      } | null;
    }[];
    readonly error?: { readonly message: string; readonly type: string; readonly param: string | null; readonly code: string | null };
  };
}

async function post(teacher: StandinTeacher, body: unknown, init: RequestInit = {}): Promise<Reply> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(`${teacher.baseUrl}/chat/completions`, { method: 'POST', body: text, ...init });
  return { status: response.status, headers: response.headers, body: (await response.json()) as Reply['body'] };
}

describe('an answer', () => {
  it('fits the schema, says it is a stand-in, and is in the books', async () => {
    const teacher = await start();
    const reply = await post(teacher, question(undefined, { response_format: schema() }));
    expect(reply.status).toBe(200);
    expect(reply.headers.get('x-llambert-standin')).toBe('true');
    expect(reply.body).toMatchObject({ model: 'standin-rules', system_fingerprint: 'standin' });
    expect(JSON.parse(reply.body.choices[0]!.message.content!)).toEqual({ label: 'delivery' });
    expect(reply.body.choices[0]!.logprobs).toBeNull();
    const ledger = (await (await fetch(`${teacher.url}/standin/ledger`)).json()) as Ledger;
    expect(ledger).toEqual(teacher.ledger());
    expect(ledger.entries).toMatchObject([{ attempt: 1, labels: ['delivery'], fault: null }]);
    expect(ledger.billed).toEqual({
      calls: 1,
      promptTokens: reply.body.usage!.prompt_tokens,
      completionTokens: reply.body.usage!.completion_tokens,
    });
  });

  it('is the same for the same request, without a schema too', async () => {
    const teacher = await start();
    const [first, second] = [
      await post(teacher, question()),
      await post(teacher, question(undefined, { response_format: { type: 'json_object' } })),
    ];
    expect(first.body.choices[0]!.message).toEqual({ role: 'assistant', content: '{"label":"delivery"}', refusal: null });
    expect(second.body.choices[0]!.message).toEqual(first.body.choices[0]!.message);
  });

  it('names several labels where the schema allows them, none where none fits', async () => {
    const teacher = await start();
    const ask = async (text: string) =>
      JSON.parse((await post(teacher, question(text, { response_format: schema('labels') }))).body.choices[0]!.message.content!) as unknown;
    expect(await ask('My parcel never arrived and I want a refund.')).toEqual({ labels: ['delivery', 'refund'] });
    expect(await ask('hm')).toEqual({ labels: [] });
  });

  it('has tokens that make up the content, and as many alternatives as were asked for', async () => {
    const teacher = await start();
    const reply = await post(teacher, question(undefined, { response_format: schema(), logprobs: true, top_logprobs: 3 }));
    const [choice] = reply.body.choices;
    const tokens = choice!.logprobs!.content;
    expect(tokens.map((token) => token.token).join('')).toBe(choice!.message.content);
    expect(Buffer.from(tokens.flatMap((token) => token.bytes)).toString()).toBe(choice!.message.content);
    expect(Math.max(...tokens.map((token) => token.top_logprobs.length))).toBe(3);
    expect(reply.body.usage!.completion_tokens).toBe(tokens.length);
  });

  it.each(['max_tokens', 'max_completion_tokens'])('is cut at %s', async (limit) => {
    const teacher = await start();
    const reply = await post(teacher, question(undefined, { [limit]: 2 }));
    expect(reply.body.choices[0]).toMatchObject({ finish_reason: 'length', message: { content: '{"label' } });
    expect(reply.body.usage!.completion_tokens).toBe(2);
  });

  it('never counts more prompt tokens than the prompt has bytes, and a few per message', async () => {
    const teacher = await start();
    for (const text of ['', 'a', '荷物が届きません', 'x'.repeat(2_000_000)]) {
      const body = question(text);
      const bytes = body.messages.reduce((sum, message) => sum + Buffer.byteLength(message.content), 0);
      expect((await post(teacher, body)).body.usage!.prompt_tokens).toBeLessThanOrEqual(bytes + 4 * body.messages.length);
    }
  });
});

describe('a lesser server', () => {
  it('refuses what it lacks, naming the field', async () => {
    const teacher = await start({ capabilities: { structured: false, logprobs: false } });
    const structured = await post(teacher, question(undefined, { response_format: schema() }));
    expect([structured.status, structured.body.error?.param]).toEqual([400, 'response_format']);
    const logprobs = await post(teacher, question(undefined, { logprobs: true }));
    expect([logprobs.status, logprobs.body.error?.param]).toEqual([400, 'logprobs']);
    expect(teacher.ledger()).toMatchObject({ billed: { calls: 0 }, unbilled: { 400: 2 } });
  });

  it('answers in a sentence where it is a talker', async () => {
    const teacher = await start({ capabilities: { prose: true } });
    const content = async (kind: 'label' | 'labels') =>
      (await post(teacher, question(undefined, { response_format: schema(kind) }))).body.choices[0]!.message.content;
    expect(await content('label')).toBe('I would say the label is: delivery.');
    expect(await content('labels')).toBe('I would say the labels are: delivery.');
  });
});

describe('a refused request', () => {
  it.each<[string, unknown, string | null]>([
    ['no JSON', '{', null],
    ['no object', '[]', null],
    ['no model', { messages: [] }, 'model'],
    ['no messages', { model: 'm', messages: [] }, 'messages'],
    ['a stream', question('x', { stream: true }), 'stream'],
    ['several choices', question('x', { n: 2 }), 'n'],
    ['no document', { model: 'm', messages: [{ role: 'user', content: 'hello' }] }, 'messages'],
    ['alternatives without log-probabilities', question('x', { top_logprobs: 2 }), 'top_logprobs'],
    ['too many alternatives', question('x', { logprobs: true, top_logprobs: 21 }), 'top_logprobs'],
    ['no room for an answer', question('x', { max_tokens: 0 }), 'max_tokens'],
    ['labels that the rules do not know', question('x', { response_format: schema('label', ['a', 'b']) }), 'response_format'],
    [
      'a strict schema that is not',
      question('x', {
        response_format: { type: 'json_schema', json_schema: { name: 'a', strict: true, schema: { type: 'object', properties: {} } } },
      }),
      'response_format.json_schema.schema',
    ],
  ])('%s', async (_, body, param) => {
    const teacher = await start();
    const reply = await post(teacher, body);
    expect([reply.status, reply.body.error?.param]).toEqual([400, param]);
    expect(reply.body.error?.type).toBe('invalid_request_error');
  });

  it('is one without the key, one to nowhere, one by the wrong method, one too long', async () => {
    const teacher = await start({ apiKey: 'secret' });
    expect((await post(teacher, question())).body.error).toMatchObject({ code: 'invalid_api_key' });
    expect((await post(teacher, question(), { headers: { authorization: 'Bearer wrong' } })).status).toBe(401);
    expect((await fetch(`${teacher.baseUrl}/models`)).status).toBe(401);
    const key = { headers: { authorization: 'Bearer secret' } };
    expect(await (await fetch(`${teacher.baseUrl}/models`, key)).json()).toMatchObject({ data: [{ id: 'standin-rules' }] });
    expect((await post(teacher, question(), key)).status).toBe(200);
    expect((await fetch(`${teacher.url}/nowhere`)).status).toBe(404);
    expect((await fetch(`${teacher.baseUrl}/chat/completions`)).status).toBe(405);
    expect((await post(teacher, question('x'.repeat(17 * 1024 * 1024)), key)).status).toBe(413);
  });
});

describe('faults', () => {
  it('refuses first, without a bill, then answers', async () => {
    const teacher = await start({ faults: { 'rate-limit': { first: 1 }, 'server-error': { first: 1 } }, retryAfterSeconds: 7 });
    const limited = await post(teacher, question());
    expect([limited.status, limited.headers.get('retry-after'), limited.body.error?.code]).toEqual([429, '7', 'rate_limit_exceeded']);
    expect((await post(teacher, question())).status).toBe(500);
    expect((await post(teacher, question())).status).toBe(200);
    expect(teacher.ledger()).toMatchObject({ billed: { calls: 1 }, unbilled: { 429: 1, 500: 1 }, entries: [{ attempt: 3 }] });
  });

  it('bills the work of answers that never arrive whole', async () => {
    const teacher = await start({ faults: { cut: { first: 1 }, 'malformed-body': { first: 1 }, hang: { first: 1 } } });
    const giveUp = new AbortController();
    const hanging = post(teacher, question(), { signal: giveUp.signal });
    while (teacher.ledger().billed.calls < 1) await new Promise((resolve) => setImmediate(resolve));
    // An answer sent with the bill would be here before those of two later requests.
    const later = async () => [await fetch(`${teacher.url}/standin/ledger`), await fetch(`${teacher.url}/standin/ledger`)];
    expect(await Promise.race([hanging, later()])).toHaveLength(2);
    giveUp.abort();
    await expect(hanging).rejects.toThrow(/abort/);
    await expect(post(teacher, question())).rejects.toThrow(/terminated/);
    await expect(post(teacher, question())).rejects.toThrow(SyntaxError);
    expect(teacher.ledger().entries.map((entry) => entry.fault)).toEqual(['hang', 'cut', 'malformed-body']);
  });

  it('answers what no client wants to read', async () => {
    const teacher = await start({ faults: { 'unknown-label': { first: 1 }, refusal: { first: 1 }, 'missing-usage': { first: 1 } } });
    const ask = async () => (await post(teacher, question(undefined, { response_format: schema() }))).body;
    expect(intents).not.toContain((JSON.parse((await ask()).choices[0]!.message.content!) as { label: string }).label);
    expect((await ask()).choices[0]!.message).toMatchObject({ content: null, refusal: expect.stringMatching(/sorry/) as unknown });
    const last = await ask();
    expect(last.usage).toBeUndefined();
    expect(last.choices[0]!.message.content).toBe('{"label":"delivery"}');
    expect(teacher.ledger().billed.calls).toBe(3);
  });
});

describe('the books', () => {
  it('hold a call in the file before its answer is out, also that of a client that left', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'standin-'));
    try {
      const booksFile = join(folder, 'books.jsonl');
      await writeFile(booksFile, '{"earlier":true}\n');
      const teacher = await start({ booksFile, faults: { hang: { each: 1 } } });
      const giveUp = new AbortController();
      const hanging = post(teacher, question(), { signal: giveUp.signal }).catch(() => 'gave up');
      while (teacher.ledger().billed.calls < 1) await new Promise((resolve) => setImmediate(resolve));
      giveUp.abort();
      expect(await hanging).toBe('gave up');
      await post(teacher, question());
      const lines = (await readFile(booksFile, 'utf8'))
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown);
      expect(lines).toEqual([{ earlier: true }, ...teacher.ledger().entries]);
      expect(teacher.ledger().entries).toHaveLength(2);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('do not hold a call that the closing server cut short', async () => {
    const judged = Promise.withResolvers<void>();
    const annotator: Annotator = {
      mode: 'rules',
      judge: (...asked) => {
        judged.resolve();
        return customerMessageRules.judge(...asked);
      },
    };
    const teacher = await start({ annotator, latencyMs: 3_600_000 });
    const waiting = post(teacher, question()).catch(() => 'cut');
    await judged.promise;
    await teacher.close();
    expect(await waiting).toBe('cut');
    expect(teacher.ledger().billed.calls).toBe(0);
    await teacher.close();
  });

  it('tells its annotator of a text that comes again in other words, not of a repeated call', async () => {
    const heard: unknown[] = [];
    const annotator: Annotator = {
      mode: 'rules',
      judge(document, asked, inOtherWords) {
        heard.push(inOtherWords);
        return customerMessageRules.judge(document, asked);
      },
    };
    const teacher = await start({ annotator });
    const others = { messages: [{ role: 'system', content: 'Label it with care, in JSON.' }, question().messages[1]!] };
    const calls = [
      question(),
      question(undefined, { response_format: schema() }),
      question(undefined, others),
      question(),
      question('Another.'),
    ];
    for (const call of calls) expect((await post(teacher, call)).status).toBe(200);
    expect(heard).toEqual([false, false, true, false, false]);
  });

  it('a port that is taken is an error, not a crash', async () => {
    const teacher = await start();
    await expect(start({ port: Number(new URL(teacher.url).port) })).rejects.toThrow(/EADDRINUSE/);
  });
});
