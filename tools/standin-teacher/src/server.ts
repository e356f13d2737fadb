import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { Annotator } from './annotator.ts';
import { ApiError } from './api-error.ts';
import { type Ledger, openBooks } from './books.ts';
import { type Capabilities, parseChatRequest } from './chat-request.ts';
import { completeChat, completionBody } from './completion.ts';
import { documentIn } from './document-block.ts';
import { type FaultPlan, planFaults } from './faults.ts';

export interface StandinOptions {
  readonly annotator: Annotator;
  /** 0 (the default): any free port. */
  readonly port?: number;
  readonly host?: string;
  /** The bearer key a client must send; without it anybody may ask. */
  readonly apiKey?: string;
  readonly capabilities?: Partial<Capabilities>;
  readonly faults?: FaultPlan;
  readonly seed?: string | number;
  /** How long an answer takes, in milliseconds. */
  readonly latencyMs?: number;
  /** What a 429 asks its client to wait, in seconds. */
  readonly retryAfterSeconds?: number;
  /** A file to append every billed call to, before its answer is sent. */
  readonly booksFile?: string;
}

export interface StandinTeacher {
  /** `http://host:port` */
  readonly url: string;
  /** What an OpenAI client takes as its base URL. */
  readonly baseUrl: string;
  ledger(): Ledger;
  /** Stops at once: open connections are cut, answers that were not yet billed never are. */
  close(): Promise<void>;
}

/** A prompt may hold a document of 1 MiB, which JSON can make six times as long. */
const maxBodyBytes = 16 * 1024 * 1024;

/**
 * Starts a stand-in for a language model behind an OpenAI-compatible API: `POST /v1/chat/completions`, `GET /v1/models`, and its
 * books as `GET /standin/ledger`. Every answer says that it is a stand-in: model, system_fingerprint and the header
 * `x-llambert-standin`.
 * @throws RangeError for impossible faults; the system's error where the port is taken or the books can not be written
 */
export async function startStandinTeacher(options: StandinOptions): Promise<StandinTeacher> {
  const capabilities: Capabilities = { structured: true, logprobs: true, prose: false, ...options.capabilities };
  const drawFault = planFaults(options.faults ?? {}, options.seed ?? 0);
  const model = `standin-${options.annotator.mode}`;
  const attempts = new Map<string, number>();
  /** Of each document, the words in which it was asked about first. */
  const firstWords = new Map<string, string>();
  const closing = new AbortController();
  const books = openBooks(options.annotator.mode, options.booksFile);

  const answerChat = async (body: string, response: ServerResponse): Promise<void> => {
    const request = parseChatRequest(body, capabilities);
    const requestHash = hashOf(body);
    const attempt = (attempts.get(requestHash) ?? 0) + 1;
    attempts.set(requestHash, attempt);
    const fault = drawFault(requestHash, attempt);
    if (fault === 'rate-limit') {
      response.setHeader('retry-after', String(options.retryAfterSeconds ?? 1));
      throw new ApiError(429, 'Rate limit reached (a fault on demand of the stand-in).', { type: 'requests', code: 'rate_limit_exceeded' });
    }
    if (fault === 'server-error')
      throw new ApiError(500, 'The server had an error (a fault on demand of the stand-in).', { type: 'server_error' });

    const prompt = request.messages.findLast((message) => message.role === 'user')?.content ?? '';
    const document = documentIn(prompt);
    if (document === null) {
      throw new ApiError(
        400,
        'The stand-in finds no text to judge: the last user message must hold it between a line <document> and a line </document>.',
        {
          param: 'messages',
          code: 'standin_no_document',
        },
      );
    }
    const [about, words] = [document, request.messages].map(hashOf) as [string, string];
    if (!firstWords.has(about)) firstWords.set(about, words);
    const judgement = options.annotator.judge(document, request.question, firstWords.get(about) !== words);
    const completion = completeChat(request, judgement, fault, capabilities.prose);
    const id = `chatcmpl-standin-${requestHash}-${attempt}`;
    if (options.latencyMs !== undefined) await pause(options.latencyMs, undefined, { signal: closing.signal });
    books.bill({ id, requestHash, attempt, ...completion.usage, labels: completion.labels, fault });

    if (fault === 'hang') return;
    const text = completionBody(completion, request, { id, model }, fault !== 'missing-usage');
    if (fault === 'cut') {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
      response.write(text.slice(0, text.length / 2), () => response.destroy());
    } else {
      send(response, 200, fault === 'malformed-body' ? text.slice(0, -text.length / 3) : text);
    }
  };

  const route = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    response.setHeader('x-llambert-standin', 'true');
    const path = (request.url ?? '').split('?')[0];
    const expected = { '/v1/chat/completions': 'POST', '/v1/models': 'GET', '/standin/ledger': 'GET' }[path ?? ''];
    if (expected === undefined) throw new ApiError(404, `Unknown request URL: ${request.method} ${path}.`, { code: 'unknown_url' });
    if (request.method !== expected)
      throw new ApiError(405, `Not allowed to ${request.method} ${path}: use ${expected}.`, { code: 'method_not_supported' });
    if (path === '/standin/ledger') return send(response, 200, JSON.stringify(books.ledger()));
    if (options.apiKey !== undefined && request.headers.authorization !== `Bearer ${options.apiKey}`) {
      throw new ApiError(401, 'Incorrect API key provided.', { code: 'invalid_api_key' });
    }
    if (path === '/v1/models') {
      return send(
        response,
        200,
        JSON.stringify({ object: 'list', data: [{ id: model, object: 'model', created: 0, owned_by: 'llambert-standin' }] }),
      );
    }
    return answerChat(await readBody(request), response);
  };

  const server = createServer((request, response) => {
    route(request, response).catch((error: unknown) => {
      if (closing.signal.aborted || (response.destroyed && !(error instanceof ApiError))) return;
      const known =
        error instanceof ApiError ? error : new ApiError(500, `The stand-in failed: ${String(error)}`, { type: 'standin_failure' });
      if (request.method === 'POST') books.refuse(known.status);
      send(response, known.status, known.body());
    });
  });
  // Longer than any client keeps an idle connection: whoever closes first must not be us, or its next call meets a dead socket.
  server.keepAliveTimeout = 120_000;
  server.listen(options.port ?? 0, options.host ?? '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (error) {
    books.close();
    throw error;
  }
  const { address, port, family } = server.address() as AddressInfo;
  const url = `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  return {
    url,
    baseUrl: `${url}/v1`,
    ledger: books.ledger,
    close: async () => {
      if (closing.signal.aborted) return;
      closing.abort();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
      books.close();
    },
  };
}

function hashOf(value: unknown): string {
  return createHash('sha256')
    .update(typeof value === 'string' ? value : JSON.stringify(value))
    .digest('hex')
    .slice(0, 24);
}

function send(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBodyBytes) throw new ApiError(413, `The body of the request is over ${maxBodyBytes} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
