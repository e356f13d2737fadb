import type { TokenUsage } from '../money.ts';

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** A question to a large language model: everything that decides its answer. */
export interface TeacherRequest {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  /** JSON Schema of the answer, used where the server has structured output. */
  readonly answerSchema: Readonly<Record<string, unknown>>;
  readonly temperature: number;
  readonly maxOutputTokens: number;
}

export interface TeacherAnswer {
  /** The answer's text; empty where the model refused. */
  readonly content: string;
  readonly refusal: string | null;
  readonly finish: 'stop' | 'length' | 'content_filter' | 'other';
  /** Tokens of the content with their log-probabilities (natural log), in order; null where the server gives none. */
  readonly tokens: readonly TokenLogProbability[] | null;
  /** null where the server did not say. */
  readonly usage: TokenUsage | null;
  /** The model as the server named it. */
  readonly model: string;
}

export interface TokenLogProbability {
  readonly token: string;
  readonly logProbability: number;
  readonly alternatives: readonly { readonly token: string; readonly logProbability: number }[];
}

/**
 * How a call that gave no answer ended. `charged` says whether the provider may bill it: `no` where it refused before it worked,
 * `perhaps` where the connection broke or time ran out after the request was sent.
 */
export interface TeacherFailure {
  readonly kind: 'rate_limited' | 'overloaded' | 'unreachable' | 'timeout' | 'malformed' | 'credentials' | 'not_accepted';
  readonly charged: 'no' | 'perhaps';
  /** Milliseconds the server asked to wait; null: it did not say. */
  readonly retryAfterMs: number | null;
  /** For people; never holds the key or the document. */
  readonly detail: string;
}

export type TeacherOutcome =
  | { readonly ok: true; readonly answer: TeacherAnswer }
  | { readonly ok: false; readonly failure: TeacherFailure };

/** A large language model behind an API. One call is one request on the wire: repeating is the caller's decision, for it costs money. */
export interface Teacher {
  /** Host and path of the endpoint without credentials: part of the answer cache's key. */
  readonly endpoint: string;
  ask(request: TeacherRequest, options: { timeoutMs: number; signal?: AbortSignal }): Promise<TeacherOutcome>;
}
