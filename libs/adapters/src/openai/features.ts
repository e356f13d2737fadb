import type { TeacherRequest } from '@llambert/domain';
import type OpenAI from 'openai';

/**
 * What servers that call themselves OpenAI-compatible differ in. Each feature has a ladder of ways to ask for it, best first; a server
 * that refuses one way is asked in the next.
 */
const ladders = {
  responseFormat: ['json_schema', 'json_object', 'none'],
  logProbabilities: ['alternatives', 'chosen', 'none'],
  lengthLimit: ['preferred', 'other'],
  temperature: ['given', 'default'],
} as const;

type Feature = keyof typeof ladders;

/** How to ask a server for each feature. */
export type Features = { readonly [F in Feature]: (typeof ladders)[F][number] };

export const allFeatures: Features = {
  responseFormat: 'json_schema',
  logProbabilities: 'alternatives',
  lengthLimit: 'preferred',
  temperature: 'given',
};

/** Requests it can take until the last rung of every ladder: one more than there are rungs to go down. */
export const mostRefusals = Object.values(ladders).reduce((sum, ladder) => sum + ladder.length - 1, 0);

const alternativesPerToken = 5;

/** The request in the server's dialect. `lengthField` is the name under which the limit on the answer's length is sent first. */
export function chatParameters(
  request: TeacherRequest,
  features: Features,
  lengthField: LengthField,
): OpenAI.ChatCompletionCreateParamsNonStreaming {
  const field = features.lengthLimit === 'preferred' ? lengthField : otherLengthField[lengthField];
  return {
    model: request.model,
    messages: request.messages.map(({ role, content }) => ({ role, content })),
    [field]: request.maxOutputTokens,
    ...(features.temperature === 'given' ? { temperature: request.temperature } : {}),
    ...(features.logProbabilities === 'none' ? {} : { logprobs: true }),
    ...(features.logProbabilities === 'alternatives' ? { top_logprobs: alternativesPerToken } : {}),
    ...responseFormat(request, features),
  };
}

function responseFormat(
  request: TeacherRequest,
  features: Features,
): Pick<OpenAI.ChatCompletionCreateParamsNonStreaming, 'response_format'> {
  if (features.responseFormat === 'none') return {};
  if (features.responseFormat === 'json_object') return { response_format: { type: 'json_object' } };
  return { response_format: { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema: request.answerSchema } } };
}

export type LengthField = 'max_tokens' | 'max_completion_tokens';

const otherLengthField = { max_tokens: 'max_completion_tokens', max_completion_tokens: 'max_tokens' } as const;

/**
 * OpenAI's newer models accept `max_completion_tokens` only. Other servers know `max_tokens`, and some ignore the newer name in
 * silence, which would leave the answer's length, and so its price, without a limit.
 */
export function lengthFieldFor(url: URL): LengthField {
  return url.hostname === 'api.openai.com' ? 'max_completion_tokens' : 'max_tokens';
}

/** Statuses by which servers refuse a parameter; OpenAI answers 403 to log-probabilities of a reasoning model. */
const refusalStatuses: ReadonlySet<number> = new Set([400, 403, 404, 422, 501]);

/** The feature that a server's refusal is about, or null where it is about something else. `text` is what the server said. */
export function refusedFeature(status: number, text: string): Feature | null {
  if (!refusalStatuses.has(status)) return null;
  const limitNamed = /\bmax_(completion_)?tokens\b/.test(text);
  // A prompt that does not fit is refused in words that name the limit: no other name for it would help.
  if (limitNamed && !/context|too (large|long|many)|exceed|at most|maximum/i.test(text)) return 'lengthLimit';
  if (/\btemperature\b/.test(text)) return 'temperature';
  if (/\b(top_)?logprobs\b/.test(text)) return 'logProbabilities';
  if (/response_format|json_schema|json_object|structured output/i.test(text)) return 'responseFormat';
  return null;
}

/** The features one rung down the ladder of the refused one; null at its end. */
export function withoutFeature(features: Features, refused: Feature, text: string): Features | null {
  const ladder: readonly string[] = ladders[refused];
  let rung = ladder.indexOf(features[refused]) + 1;
  if (refused === 'logProbabilities' && !/\btop_logprobs\b/.test(text)) rung = ladder.length - 1;
  const next = ladder[rung];
  return next === undefined || next === features[refused] ? null : { ...features, [refused]: next };
}
