import type { Teacher, TeacherFailure, TeacherOutcome, TeacherRequest } from '@llambert/domain';
import OpenAI, { APIError } from 'openai';
import { asArray, asObject, readCompletion } from './completion.ts';
import { checkApiKey, checkedBaseUrl } from './endpoint.ts';
import { failure, failureOf, serverText } from './failure.ts';
import { allFeatures, chatParameters, type Features, lengthFieldFor, mostRefusals, refusedFeature, withoutFeature } from './features.ts';

export interface OpenAiTeacherOptions {
  /** Where `/chat/completions` is to be found: http(s), without credentials or query. */
  readonly baseUrl: string;
  /** Sent as bearer token; null: none is sent. */
  readonly apiKey: string | null;
  readonly fetch?: typeof globalThis.fetch;
}

export type ModelList =
  | { readonly ok: true; readonly models: readonly string[] }
  | { readonly ok: false; readonly failure: TeacherFailure };

export interface OpenAiTeacher extends Teacher {
  /** Names of the models the server offers: the cheapest question that shows whether address and key are right. */
  listModels(options: { timeoutMs: number; signal?: AbortSignal }): Promise<ModelList>;
}

/**
 * A teacher behind any server that speaks OpenAI's chat completions. One call is one request, but for parameters that the server
 * does not know: it refuses those before it works, which costs nothing, and is asked again without them, from then on always. `ask`
 * never throws. The key stays in this closure: no property, error or text holds it. Throws `invalid_input` for a bad address or key.
 */
export function openAiTeacher(options: OpenAiTeacherOptions): OpenAiTeacher {
  const url = checkedBaseUrl(options.baseUrl);
  checkApiKey(options.apiKey);
  const client = new OpenAI({
    baseURL: url.href.replace(/\/+$/, ''),
    // The client will not start without a key; where there is none, the header is taken out again.
    apiKey: options.apiKey ?? 'none',
    ...(options.apiKey === null ? { defaultHeaders: { Authorization: null } } : {}),
    // Not those of the environment, which may be meant for another server.
    adminAPIKey: null,
    organization: null,
    project: null,
    maxRetries: 0,
    // At its debug level the client logs whole prompts.
    logLevel: 'off',
    // A redirect would be a second request, perhaps to a stranger.
    fetchOptions: { redirect: 'manual' },
    ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
  });
  const lengthField = lengthFieldFor(url);
  const featuresOf = new Map<string, Features>();

  async function ask(request: TeacherRequest, call: { timeoutMs: number; signal?: AbortSignal }): Promise<TeacherOutcome> {
    for (let refusals = 0; ; refusals++) {
      const features = featuresOf.get(request.model) ?? allFeatures;
      try {
        const body: unknown = await client.chat.completions.create(chatParameters(request, features, lengthField), requestOptions(call));
        const answer = readCompletion(body);
        return answer === null ? { ok: false, failure: noAnswer(body) } : { ok: true, answer };
      } catch (error) {
        const said = serverText(error, options.apiKey, request);
        if (refusals < mostRefusals && learnFrom(error, said, request.model, features)) continue;
        return { ok: false, failure: failureOf(error, said) };
      }
    }
  }

  /** Takes note of a feature that the server refused; false where the error is about something else or nothing is left to try. */
  function learnFrom(error: unknown, said: string, model: string, sent: Features): boolean {
    if (!(error instanceof APIError) || error.status === undefined) return false;
    const refused = refusedFeature(error.status, said);
    if (refused === null) return false;
    const known = featuresOf.get(model) ?? allFeatures;
    // Another call may have learnt it in the meantime: then there is nothing to note, only to ask again.
    if (known[refused] !== sent[refused]) return true;
    const next = withoutFeature(known, refused, said);
    if (next !== null) featuresOf.set(model, next);
    return next !== null;
  }

  async function listModels(call: { timeoutMs: number; signal?: AbortSignal }): Promise<ModelList> {
    try {
      const body = asObject(await client.get<unknown>('/models', requestOptions(call)));
      if (!Array.isArray(body?.data)) return { ok: false, failure: failure('malformed', 'no', 'the list of models is not one') };
      return {
        ok: true,
        models: asArray(body.data)
          .flatMap((model) => asObject(model)?.id ?? [])
          .filter((id) => typeof id === 'string'),
      };
    } catch (error) {
      return { ok: false, failure: failureOf(error, serverText(error, options.apiKey, null)) };
    }
  }

  return { endpoint: `${url.host}${url.pathname.replace(/\/+$/, '')}`, ask, listModels };
}

function requestOptions(call: { timeoutMs: number; signal?: AbortSignal }): OpenAI.RequestOptions {
  return { timeout: call.timeoutMs, maxRetries: 0, ...(call.signal === undefined ? {} : { signal: call.signal }) };
}

/** A success without a choice in it. Whether it is billed is the server's secret. */
function noAnswer(body: unknown): TeacherFailure {
  return failure(
    'malformed',
    'perhaps',
    typeof body === 'object' && body !== null ? 'the answer has no choices' : 'the answer is not JSON',
  );
}
