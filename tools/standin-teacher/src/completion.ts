import type { Judgement } from './annotator.ts';
import type { ChatRequest } from './chat-request.ts';
import type { FaultName } from './faults.ts';
import { type AnswerToken, answerTokens } from './tokens.ts';
import { wordAnswer } from './wording.ts';

/** What the stand-in says, before it is a response body. */
interface Completion {
  readonly tokens: readonly AnswerToken[];
  readonly refusal: string | null;
  readonly finish: 'stop' | 'length';
  readonly usage: { readonly promptTokens: number; readonly completionTokens: number };
  readonly labels: readonly string[] | null;
}

const refusalText = "I'm sorry, but I can't help with that.";
const undecidedText = "I'm sorry, but I can't tell which label fits this text.";
const unknownLabel = 'standin-unknown-label';
/** What the chat format adds to the texts, per message, as OpenAI's counts do. */
const tokensPerMessage = 4;

export function completeChat(request: ChatRequest, judgement: Judgement, fault: FaultName | null, prose: boolean): Completion {
  const labels =
    fault === 'refusal' || judgement.kind === 'unusable' ? null : fault === 'unknown-label' ? [unknownLabel] : judgement.labels;
  // A server with structured output can only break its promise by refusing.
  const refusal = fault === 'refusal' ? refusalText : labels === null && request.format === 'json' && !prose ? undecidedText : null;
  const spoken = answerTokens(refusal !== null ? [refusal] : labels === null ? [undecidedText] : wordLabels(judgement, fault, prose));
  const tokens = spoken.slice(0, request.maxTokens ?? spoken.length);
  return {
    tokens,
    refusal: refusal === null ? null : tokens.map((token) => token.token).join(''),
    finish: tokens.length < spoken.length ? 'length' : 'stop',
    usage: { promptTokens: promptTokens(request), completionTokens: tokens.length },
    labels,
  };
}

function wordLabels(judgement: Judgement, fault: FaultName | null, prose: boolean): ReturnType<typeof wordAnswer> {
  if (judgement.kind === 'unusable') return [undecidedText];
  if (fault !== 'unknown-label') return wordAnswer(judgement, prose);
  return wordAnswer({ kind: judgement.kind, labels: [unknownLabel], probabilities: new Map([[unknownLabel, 1]]) }, prose);
}

/** An estimate that is the same for the same request: a token for every four UTF-8 bytes, and the chat format's own. */
function promptTokens(request: ChatRequest): number {
  return request.messages.reduce((sum, message) => sum + Math.ceil(Buffer.byteLength(message.content) / 4) + tokensPerMessage, 0);
}

/** The body of a chat completion response in OpenAI's form. */
export function completionBody(
  completion: Completion,
  request: ChatRequest,
  names: { id: string; model: string },
  withUsage: boolean,
): string {
  const { promptTokens, completionTokens } = completion.usage;
  const text = completion.tokens.map((token) => token.token).join('');
  const content = request.topLogprobs === null ? null : completion.tokens.map((token) => logprobsOf(token, request.topLogprobs ?? 0));
  const spokenAs = completion.refusal === null ? { content: text, refusal: null } : { content: null, refusal: completion.refusal };
  return JSON.stringify({
    id: names.id,
    object: 'chat.completion',
    created: 0,
    model: names.model,
    system_fingerprint: 'standin',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', ...spokenAs },
        logprobs: content === null ? null : completion.refusal === null ? { content, refusal: null } : { content: null, refusal: content },
        finish_reason: completion.finish,
      },
    ],
    ...(withUsage
      ? { usage: { prompt_tokens: promptTokens, completion_tokens: completionTokens, total_tokens: promptTokens + completionTokens } }
      : {}),
  });
}

function logprobsOf(token: AnswerToken, top: number): Readonly<Record<string, unknown>> {
  const written = (one: { token: string; logprob: number }) => ({
    token: one.token,
    logprob: one.logprob,
    bytes: [...Buffer.from(one.token)],
  });
  return { ...written(token), top_logprobs: token.alternatives.slice(0, top).map(written) };
}
