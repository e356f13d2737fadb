import type { TeacherAnswer, TokenLogProbability, TokenUsage } from '@llambert/domain';

type Json = Readonly<Record<string, unknown>>;

/**
 * The answer in a chat completion as it came over the wire, or null where there is none in it. Nothing about its shape is believed:
 * servers leave fields out, send null for them, or send content in parts.
 */
export function readCompletion(body: unknown): TeacherAnswer | null {
  const completion = asObject(typeof body === 'string' ? parsed(body) : body);
  const choice = asObject(asArray(completion?.choices)[0]);
  const message = asObject(choice?.message);
  if (completion === null || choice === null || message === null) return null;
  const content = textOf(message.content);
  return {
    content,
    refusal: refusalOf(message),
    finish: finishOf(choice.finish_reason),
    tokens: tokensOf(asObject(choice.logprobs)),
    usage: usageOf(asObject(completion.usage), content),
    model: typeof completion.model === 'string' ? completion.model : '',
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** A text, or the text parts of a list of parts (a reasoning model's `thinking` parts are no part of its answer). */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  return asArray(content)
    .map((part) => asObject(part))
    .map((part) => (part?.type === 'text' && typeof part.text === 'string' ? part.text : ''))
    .join('');
}

function refusalOf(message: Json): string | null {
  if (typeof message.refusal === 'string' && message.refusal !== '') return message.refusal;
  const part = asArray(message.content)
    .map(asObject)
    .find((candidate) => candidate?.type === 'refusal');
  return part === undefined ? null : typeof part?.refusal === 'string' ? part.refusal : 'refused';
}

function finishOf(reason: unknown): TeacherAnswer['finish'] {
  return reason === 'stop' || reason === 'length' || reason === 'content_filter' ? reason : 'other';
}

/**
 * Tokens billed; null where the server's figures cannot be right. Some servers leave reasoning tokens, which they bill as output, out
 * of `completion_tokens` but not out of `total_tokens`.
 */
function usageOf(usage: Json | null, content: string): TokenUsage | null {
  const input = tokenCount(usage?.prompt_tokens);
  const completion = tokenCount(usage?.completion_tokens);
  if (input === null || completion === null || input === 0) return null;
  const output = Math.max(completion, (tokenCount(usage?.total_tokens) ?? 0) - input);
  return output === 0 && content !== '' ? null : { input, output };
}

function tokenCount(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

/**
 * The content's tokens, null unless each has a log-probability. Tokens that are only part of a character are joined until the
 * character is whole: servers have no text to show for the parts.
 */
function tokensOf(logprobs: Json | null): readonly TokenLogProbability[] | null {
  const tokens: TokenLogProbability[] = [];
  let bytes: number[] = [];
  let logProbability = 0;
  for (const entry of asArray(logprobs?.content).map(asObject)) {
    const value = logProbabilityOf(entry);
    if (entry === null || value === null || typeof entry.token !== 'string') return null;
    const own = asArray(entry.bytes).filter((byte) => typeof byte === 'number');
    if (bytes.length === 0 && (own.length === 0 || wholeText(own) !== null)) {
      tokens.push({ token: wholeText(own) || entry.token, logProbability: value, alternatives: alternativesOf(entry) });
      continue;
    }
    bytes.push(...own);
    logProbability += value;
    const text = wholeText(bytes);
    if (text === null) continue;
    tokens.push({ token: text, logProbability, alternatives: [] });
    bytes = [];
    logProbability = 0;
  }
  return tokens.length === 0 ? null : tokens;
}

function alternativesOf(entry: Json): TokenLogProbability['alternatives'] {
  return asArray(entry.top_logprobs)
    .map(asObject)
    .flatMap((alternative) => {
      const logProbability = logProbabilityOf(alternative);
      return logProbability === null || typeof alternative?.token !== 'string' ? [] : [{ token: alternative.token, logProbability }];
    });
}

function logProbabilityOf(entry: Json | null): number | null {
  return typeof entry?.logprob === 'number' && Number.isFinite(entry.logprob) ? Math.min(0, entry.logprob) : null;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text of UTF-8 bytes; null where they end or begin within a character. */
function wholeText(bytes: readonly number[]): string | null {
  try {
    return utf8.decode(Uint8Array.from(bytes));
  } catch {
    return null;
  }
}

export function asObject(value: unknown): Json | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : null;
}

export function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
