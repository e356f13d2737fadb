import type { TeacherFailure, TeacherRequest } from '@llambert/domain';
import { APIConnectionTimeoutError, APIError, APIUserAbortError } from 'openai';

/** Errors of the connection that come before a byte of the request was sent. */
const neverSent =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|UND_ERR_CONNECT_TIMEOUT|ERR_TLS_.*|ERR_SSL_.*|CERT_.*|.*SELF_SIGNED.*|UNABLE_TO_.*)$/;

/** Longest quotation of a server's own words. */
const maxDetailCharacters = 300;

/** What a server said when it refused, in one line, without the key and without the document. */
export function serverText(error: unknown, apiKey: string | null, request: TeacherRequest | null): string {
  if (!(error instanceof APIError)) return '';
  const parts = error.error === undefined ? [unstructured(error.message)] : wordsIn(error.error, 0);
  const text = [...new Set(parts)].join('; ').replace(/\s+/g, ' ');
  const safe = apiKey === null ? text : text.replaceAll(apiKey, '[key]');
  return request !== null && quotes(safe, request) ? 'its message quotes the document and is left out' : safe.slice(0, maxDetailCharacters);
}

/** A body that is no JSON, without the status that the client puts before it; nothing of a web page. */
function unstructured(message: string): string {
  const text = message.replace(/^\d{3} (status code \(no body\))?/, '');
  return /^\s*</.test(text) ? '' : text;
}

/** The texts under the keys that servers put explanations in; never `input`, where validators echo the request. */
function wordsIn(value: unknown, depth: number): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null || depth > 5) return [];
  if (Array.isArray(value)) return value.slice(0, 8).flatMap((item) => wordsIn(item, depth + 1));
  const facts = value as Record<string, unknown>;
  return ['message', 'msg', 'detail', 'error', 'param', 'loc', 'code', 'type'].flatMap((key) => wordsIn(facts[key], depth + 1));
}

/** Whether a text holds a stretch of 24 characters of the request's messages. */
function quotes(text: string, request: TeacherRequest): boolean {
  const window = 24;
  const contents = request.messages.map((message) => message.content.replace(/\s+/g, ' '));
  for (let start = 0; start + window <= Math.min(text.length, 4 * maxDetailCharacters); start++) {
    const stretch = text.slice(start, start + window);
    if (contents.some((content) => content.includes(stretch))) return true;
  }
  return false;
}

/** How a call ended that the client threw an error for. `said` is the server's text. */
export function failureOf(error: unknown, said: string): TeacherFailure {
  if (error instanceof APIUserAbortError) return failure('unreachable', 'perhaps', 'stopped before it answered');
  if (error instanceof APIError && error.status !== undefined) return failureOfStatus(error.status, error.headers, error, said);
  const code = causeCode(error);
  if (code !== null && neverSent.test(code)) return failure('unreachable', 'no', `no connection (${code})`);
  if (error instanceof APIConnectionTimeoutError) return failure('timeout', 'perhaps', 'no answer within the time allowed');
  if (error instanceof SyntaxError) return failure('malformed', 'perhaps', 'the answer is not JSON');
  return failure('unreachable', 'perhaps', `the connection broke after the request was sent (${code ?? 'no code'})`);
}

function failureOfStatus(status: number, headers: Headers | undefined, error: APIError, said: string): TeacherFailure {
  const detail = `HTTP ${status}${said === '' ? '' : `: ${said}`}`;
  const retryAfterMs = headers === undefined ? null : retryAfter(headers, Date.now());
  if (servesNothing(status, error, said)) return failure('credentials', 'no', withDiagnosis(detail, status, said));
  if (status === 429) return failure('rate_limited', 'no', detail, retryAfterMs);
  if (status === 408) return failure('timeout', 'no', detail, retryAfterMs);
  if (status === 409 || status === 425) return failure('overloaded', 'no', detail, retryAfterMs);
  if (status < 500 || status === 501) return failure('not_accepted', 'no', detail);
  // A proxy that gave up on the server behind it cannot say how far that one got; a server that fails itself bills nothing.
  if (status === 504 || status === 524) return failure('timeout', 'perhaps', detail, retryAfterMs);
  const itself = status === 500 || status === 503 || status === 529;
  return failure('overloaded', itself ? 'no' : 'perhaps', detail, retryAfterMs);
}

/**
 * Whether the server refuses not this request but all of them: wrong key, no money, no such model, no such address. To reject every
 * sample for that would throw the round away.
 */
function servesNothing(status: number, error: APIError, said: string): boolean {
  if (status === 429) return error.code === 'insufficient_quota' || error.type === 'insufficient_quota';
  if (status === 403) return !/moderation|flagged|content.?policy/i.test(said);
  if (status === 400)
    return /api.?key (is )?(not valid|invalid)|(invalid|incorrect).api.?key|model_not_found|invalid model|model.{0,80}(not found|does not exist)/i.test(
      said,
    );
  return status < 400 || status === 401 || status === 402 || status === 404 || status === 405;
}

/** The server's refusal with what is behind it: first what is wrong with key or credit, for people take an HTTP status for the network. */
function withDiagnosis(detail: string, status: number, said: string): string {
  if (status === 429 || status === 402)
    return `no credit is left for the key, or its limit is reached: ${detail} (look at the account's credit and limits at the provider)`;
  if (status === 401 || (status === 400 && /api.?key/i.test(said)))
    return `the key is missing, wrong or expired: ${detail} (teacher.apiKeyEnv names the variable that holds it)`;
  if (status === 403) return `the key does not allow this: ${detail} (look at its rights, its region and teacher.model)`;
  if (status < 400) return `${detail} (it redirects elsewhere: write the final address as teacher.baseUrl)`;
  if (status === 404 || status === 405)
    return `${detail} (is teacher.model one that this server has, and does teacher.baseUrl end as it should, mostly in /v1?)`;
  return `${detail} (look at teacher.model)`;
}

/** Milliseconds a server asked to wait, by `retry-after-ms` (OpenAI) or `retry-after` (RFC 9110, 10.2.3: seconds or a date). */
function retryAfter(headers: Headers, now: number): number | null {
  const milliseconds = Number.parseFloat(headers.get('retry-after-ms') ?? '');
  if (milliseconds >= 0) return Math.ceil(milliseconds);
  const text = headers.get('retry-after')?.trim() ?? '';
  if (/^\d+(\.\d+)?$/.test(text)) return Math.ceil(Number(text) * 1000);
  const date = Date.parse(text);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}

function causeCode(error: unknown): string | null {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth++) {
    const code = (cause as { code?: unknown }).code;
    if (typeof code === 'string') return code;
  }
  return null;
}

export function failure(
  kind: TeacherFailure['kind'],
  charged: TeacherFailure['charged'],
  detail: string,
  retryAfterMs: number | null = null,
): TeacherFailure {
  return { kind, charged, retryAfterMs, detail };
}
