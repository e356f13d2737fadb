import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import type { TeacherRequest } from '@llambert/domain';
import { afterEach, describe, expect, it } from 'vitest';
import { openAiTeacher } from './teacher.ts';

const secret = 'sk-test-0123456789-secret';
const request: TeacherRequest = {
  model: 'some-model',
  messages: [
    { role: 'system', content: 'You label documents.' },
    { role: 'user', content: 'A document of Mrs Smith of 12 Private Road, with logprobs in it.' },
  ],
  answerSchema: { type: 'object', properties: { label: { enum: ['a', 'b'] } }, required: ['label'], additionalProperties: false },
  temperature: 0,
  maxOutputTokens: 64,
};
const success = {
  model: 'some-model-2026',
  choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: '{"label":"a"}', refusal: null } }],
  usage: { prompt_tokens: 20, completion_tokens: 5, total_tokens: 25 },
};

type Body = Record<string, unknown>;
type Reply = (body: Body, response: ServerResponse, request: IncomingMessage) => void;
const servers: Server[] = [];

/** A server that answers every request by `reply` and keeps the bodies it was sent. */
async function serve(reply: Reply): Promise<{ baseUrl: string; bodies: Body[]; headers: IncomingMessage['headers'][] }> {
  const bodies: Body[] = [];
  const headers: IncomingMessage['headers'][] = [];
  const server = createServer((incoming, response) => {
    let text = '';
    incoming.on('data', (chunk) => {
      text += chunk;
    });
    incoming.on('end', () => {
      const body = text === '' ? {} : JSON.parse(text);
      bodies.push(body);
      headers.push(incoming.headers);
      reply(body, response, incoming);
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, bodies, headers };
}

function json(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

const ask = (baseUrl: string, timeoutMs = 5000) => openAiTeacher({ baseUrl, apiKey: secret }).ask(request, { timeoutMs });

async function failureOf(reply: Reply, timeoutMs?: number) {
  const { baseUrl, bodies } = await serve(reply);
  const outcome = await ask(baseUrl, timeoutMs);
  if (outcome.ok) throw new Error('the call was answered');
  return { ...outcome.failure, requests: bodies.length };
}

describe('an answered call', () => {
  it('sends everything it was given and reads the answer', async () => {
    const { baseUrl, bodies, headers } = await serve((_, response) => json(response, 200, success));
    expect(await ask(baseUrl)).toEqual({
      ok: true,
      answer: {
        content: '{"label":"a"}',
        refusal: null,
        finish: 'stop',
        tokens: null,
        usage: { input: 20, output: 5 },
        model: 'some-model-2026',
      },
    });
    expect(bodies).toEqual([
      {
        model: 'some-model',
        messages: request.messages,
        max_tokens: 64,
        temperature: 0,
        logprobs: true,
        top_logprobs: 5,
        response_format: { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema: request.answerSchema } },
      },
    ]);
    expect(headers[0]?.authorization).toBe(`Bearer ${secret}`);
  });

  it('sends no credentials where there are none', async () => {
    const { baseUrl, headers } = await serve((_, response) => json(response, 200, success));
    expect((await openAiTeacher({ baseUrl, apiKey: null }).ask(request, { timeoutMs: 5000 })).ok).toBe(true);
    expect(headers[0]?.authorization).toBeUndefined();
  });

  it('limits the length by the name that OpenAI wants there', async () => {
    let sent: Body = {};
    const fetch: typeof globalThis.fetch = async (_, init) => {
      sent = JSON.parse(String(init?.body));
      return Response.json(success);
    };
    await openAiTeacher({ baseUrl: 'https://api.openai.com/v1', apiKey: secret, fetch }).ask(request, { timeoutMs: 5000 });
    expect(sent.max_completion_tokens).toBe(64);
    expect(sent).not.toHaveProperty('max_tokens');
  });

  it('reads JSON that is not called JSON', async () => {
    const { baseUrl } = await serve((_, response) =>
      response.writeHead(200, { 'content-type': 'text/plain' }).end(JSON.stringify(success)),
    );
    expect((await ask(baseUrl)).ok).toBe(true);
  });
});

describe('a call that failed', () => {
  it.each([
    [{ 'retry-after': '7' }, 7000],
    [{ 'retry-after-ms': '250', 'retry-after': '1' }, 250],
    [{ 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' }, 0],
    [{}, null],
  ])('429 with %j asks to wait %s ms', async (headers, retryAfterMs) => {
    const failure = await failureOf((_, response) => json(response, 429, { error: { message: 'slow down' } }, headers));
    expect(failure).toEqual({ kind: 'rate_limited', charged: 'no', retryAfterMs, detail: 'HTTP 429: slow down', requests: 1 });
  });

  it.each([
    [500, 'overloaded', 'no'],
    [503, 'overloaded', 'no'],
    [502, 'overloaded', 'perhaps'],
    [504, 'timeout', 'perhaps'],
    [408, 'timeout', 'no'],
    [401, 'credentials', 'no'],
    [403, 'credentials', 'no'],
    [404, 'credentials', 'no'],
    [307, 'credentials', 'no'],
    [400, 'not_accepted', 'no'],
    [422, 'not_accepted', 'no'],
  ])('HTTP %i is %s, charged: %s, and asked once', async (status, kind, charged) => {
    const failure = await failureOf((_, response) =>
      json(response, status, { error: { message: 'what it is' } }, { location: '/elsewhere' }),
    );
    expect(failure).toMatchObject({ kind, charged, requests: 1 });
    expect(failure.detail).toContain(`HTTP ${status}: what it is`);
  });

  it.each([
    [429, { error: { message: 'You exceeded your current quota', type: 'insufficient_quota', code: 'insufficient_quota' } }, 'credentials'],
    [403, { error: { message: 'Your input was flagged by moderation' } }, 'not_accepted'],
    [400, [{ error: { code: 400, message: 'API key not valid. Please pass a valid API key.' } }], 'credentials'],
    [400, { error: { message: "max_tokens is too large: this model's maximum context length is 4096 tokens" } }, 'not_accepted'],
  ])('HTTP %i %j is %s', async (status, body, kind) => {
    expect(await failureOf((_, response) => json(response, status, body))).toMatchObject({ kind, charged: 'no', requests: 1 });
  });

  it.each([
    [401, {}, /^the key is missing, wrong or expired: HTTP 401/],
    [402, {}, /^no credit is left/],
    [
      429,
      { error: { message: 'You exceeded your current quota', code: 'insufficient_quota' } },
      /^no credit is left .* HTTP 429: You exceeded/,
    ],
    [403, {}, /^the key does not allow this/],
    [400, { error: { message: 'Invalid API key' } }, /^the key is/],
    [404, {}, /^HTTP 404 .*teacher\.model/],
  ])('HTTP %i %j says first what to look at', async (status, body, says) => {
    expect((await failureOf((_, response) => json(response, status, body))).detail).toMatch(says);
  });

  it.each([
    ['Upstream is gone', 'HTTP 503: Upstream is gone'],
    ['<html><body>Bad gateway</body></html>', 'HTTP 503'],
    ['', 'HTTP 503'],
  ])('the words of a body that is no JSON: %j', async (text, detail) => {
    expect((await failureOf((_, response) => response.writeHead(503).end(text))).detail).toBe(detail);
  });

  it.each([
    ['no JSON', '{"choices": [', 'application/json'],
    ['a web page', '<html>hello</html>', 'text/html'],
    ['no choices', '{"choices": []}', 'application/json'],
    ['no message', '{"choices": [{}]}', 'application/json'],
    ['nothing', '', 'application/json'],
    ['null', 'null', 'application/json'],
  ])('%s is malformed and perhaps billed', async (_, text, type) => {
    const failure = await failureOf((_body, response) => response.writeHead(200, { 'content-type': type }).end(text));
    expect(failure).toMatchObject({ kind: 'malformed', charged: 'perhaps', requests: 1 });
  });

  it('a connection cut before the answer is perhaps billed', async () => {
    expect(await failureOf((_, response) => response.destroy())).toMatchObject({ kind: 'unreachable', charged: 'perhaps', requests: 1 });
  });

  it('a connection cut within the answer is perhaps billed', async () => {
    const failure = await failureOf((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' }).write('{"choices": [');
      setImmediate(() => response.destroy());
    });
    expect(failure).toMatchObject({ kind: 'unreachable', charged: 'perhaps', requests: 1 });
  });

  it('a server that hangs is a timeout, before its headers and after', async () => {
    expect(await failureOf(() => undefined, 50)).toMatchObject({ kind: 'timeout', charged: 'perhaps', requests: 1 });
    const late = await failureOf((_, response) => response.writeHead(200, { 'content-type': 'application/json' }).write('{'), 50);
    expect(late).toMatchObject({ kind: 'timeout', charged: 'perhaps', requests: 1 });
  });

  it('nobody there is unreachable and not billed', async () => {
    const { baseUrl } = await serve(() => undefined);
    const server = servers.pop();
    await new Promise((resolve) => server?.close(resolve));
    expect(await ask(baseUrl)).toMatchObject({
      ok: false,
      failure: { kind: 'unreachable', charged: 'no', detail: 'no connection (ECONNREFUSED)' },
    });
    const nowhere = openAiTeacher({ baseUrl: 'http://no-such-host.invalid/v1', apiKey: null });
    expect(await nowhere.ask(request, { timeoutMs: 5000 })).toMatchObject({ ok: false, failure: { kind: 'unreachable', charged: 'no' } });
  });

  it('stopped by its caller is perhaps billed', async () => {
    const stopping = new AbortController();
    const { baseUrl } = await serve(() => stopping.abort());
    const outcome = await openAiTeacher({ baseUrl, apiKey: null }).ask(request, { timeoutMs: 5000, signal: stopping.signal });
    expect(outcome).toMatchObject({ ok: false, failure: { kind: 'unreachable', charged: 'perhaps' } });
  });
});

/** A server that refuses some parameters in the words of a real one. */
function refusing(refusals: readonly ((body: Body) => { status: number; body: unknown } | false)[]): Reply {
  return (body, response) => {
    for (const refusal of refusals) {
      const refused = refusal(body);
      if (refused !== false) return json(response, refused.status, refused.body);
    }
    return json(response, 200, success);
  };
}

const refusedBy = {
  openAiReasoningModel: refusing([
    (body) =>
      'max_tokens' in body && {
        status: 400,
        body: {
          error: {
            message: "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
            param: 'max_tokens',
            code: 'unsupported_parameter',
          },
        },
      },
    (body) =>
      'logprobs' in body && {
        status: 403,
        body: { error: { message: 'You are not allowed to request logprobs from this model', type: 'invalid_request_error' } },
      },
    (body) =>
      'temperature' in body && {
        status: 400,
        body: { error: { message: "Unsupported value: 'temperature' does not support 0 with this model.", param: 'temperature' } },
      },
  ]),
  strictValidator: refusing([
    (body) =>
      'logprobs' in body && {
        status: 422,
        body: { detail: [{ type: 'extra_forbidden', loc: ['body', 'logprobs'], msg: 'Extra inputs are not permitted', input: true }] },
      },
    (body) =>
      'response_format' in body && {
        status: 422,
        body: { detail: [{ type: 'extra_forbidden', loc: ['body', 'response_format'], msg: 'Extra inputs are not permitted', input: {} }] },
      },
  ]),
  jsonObjectOnly: refusing([
    (body) =>
      (body.response_format as { type?: string }).type === 'json_schema' && {
        status: 400,
        body: { error: { message: 'This response_format type is unavailable now' } },
      },
    (body) => 'top_logprobs' in body && { status: 400, body: { error: { message: 'top_logprobs is not supported' } } },
  ]),
  everything: ((_, response) =>
    json(response, 400, { error: { message: 'no temperature, logprobs, max_tokens, response_format' } })) satisfies Reply,
};

describe('a server that lacks features', () => {
  it.each([
    ['openAiReasoningModel', 3, ['max_completion_tokens', 'response_format']],
    ['strictValidator', 3, ['max_tokens', 'temperature']],
    ['jsonObjectOnly', 2, ['logprobs', 'max_tokens', 'response_format', 'temperature']],
  ] as const)('%s is asked again without them %i times, and from then on at once', async (name, refusals, left) => {
    const { baseUrl, bodies } = await serve(refusedBy[name]);
    const teacher = openAiTeacher({ baseUrl, apiKey: secret });
    expect((await teacher.ask(request, { timeoutMs: 5000 })).ok).toBe(true);
    expect(bodies).toHaveLength(refusals + 1);
    expect(Object.keys(bodies.at(-1) ?? {}).sort()).toEqual([...left, 'messages', 'model'].sort());
    expect((await teacher.ask(request, { timeoutMs: 5000 })).ok).toBe(true);
    expect(bodies).toHaveLength(refusals + 2);
  });

  it('learns once for all calls in flight, and for each model by itself', async () => {
    const { baseUrl, bodies } = await serve(refusedBy.openAiReasoningModel);
    const teacher = openAiTeacher({ baseUrl, apiKey: secret });
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => teacher.ask(request, { timeoutMs: 5000 })));
    expect(outcomes.every((outcome) => outcome.ok)).toBe(true);
    expect(bodies.length).toBeLessThanOrEqual(8 * 4);
    const before = bodies.length;
    await teacher.ask({ ...request, model: 'another' }, { timeoutMs: 5000 });
    expect(bodies[before]).toHaveProperty('logprobs');
  });

  it('gives up on one that refuses whatever it is asked, and never drops the limit on the length', async () => {
    const failure = await failureOf(refusedBy.everything);
    expect(failure).toMatchObject({ kind: 'not_accepted', charged: 'no' });
    expect(failure.requests).toBeLessThanOrEqual(8);
  });
});

describe('what stays secret', () => {
  it('the key is in no property, text or error', async () => {
    const { baseUrl } = await serve((_, response) => json(response, 401, { error: { message: `Incorrect API key provided: ${secret}` } }));
    const teacher = openAiTeacher({ baseUrl, apiKey: secret });
    const outcome = await teacher.ask(request, { timeoutMs: 5000 });
    const models = await teacher.listModels({ timeoutMs: 5000 });
    for (const value of [teacher, outcome, models]) {
      expect(inspect(value, { depth: null, showHidden: true })).not.toContain(secret);
      expect(JSON.stringify(value)).not.toContain(secret);
    }
    expect(outcome).toMatchObject({
      ok: false,
      failure: { detail: expect.stringContaining('expired: HTTP 401: Incorrect API key provided: [key] (') },
    });
  });

  it.each([` ${secret}`, `${secret}\n`, `${secret}…`, ''])(
    'a key that no header can carry is refused without being quoted: %j',
    (apiKey) => {
      const build = () => openAiTeacher({ baseUrl: 'http://localhost/v1', apiKey });
      expect(build).toThrow(/the teacher's key/);
      expect(build).not.toThrow(new RegExp(secret));
    },
  );

  it('a document that the server quotes is left out, and teaches nothing', async () => {
    const failure = await failureOf((body, response) =>
      json(response, 400, { error: { message: `bad: ${JSON.stringify(body.messages)}` } }),
    );
    expect(failure).toMatchObject({ kind: 'not_accepted', requests: 1 });
    expect(failure.detail).not.toContain('Private Road');
  });

  it.each([
    ['ftp://host/v1', /no http/],
    ['api.openai.com', /no http/],
    ['https://user:hidden@host/v1', /user name or password/],
    ['https://host/v1?key=hidden', /must end with its path/],
  ])('the address %s is refused', (baseUrl, message) => {
    const build = () => openAiTeacher({ baseUrl, apiKey: null });
    expect(build).toThrow(message);
    expect(build).not.toThrow(/hidden/);
  });

  it('the endpoint is host and path', () => {
    expect(openAiTeacher({ baseUrl: 'https://host:8443/a/v1/', apiKey: secret }).endpoint).toBe('host:8443/a/v1');
  });
});

describe('the list of models', () => {
  it('names them, or says why not', async () => {
    const { baseUrl } = await serve((_, response) => json(response, 200, { object: 'list', data: [{ id: 'one' }, { id: 'two' }, {}] }));
    expect(await openAiTeacher({ baseUrl, apiKey: null }).listModels({ timeoutMs: 5000 })).toEqual({ ok: true, models: ['one', 'two'] });
    const other = await serve((_, response) => json(response, 200, { hello: 'world' }));
    expect(await openAiTeacher({ baseUrl: other.baseUrl, apiKey: null }).listModels({ timeoutMs: 5000 })).toMatchObject({ ok: false });
  });
});
