import type { Question } from './annotator.ts';
import { ApiError } from './api-error.ts';

export interface ChatRequest {
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly format: 'text' | 'json';
  readonly question: Question;
  /** How many alternatives to name per token; null: no log-probabilities at all. */
  readonly topLogprobs: number | null;
  readonly maxTokens: number | null;
}

/** What the server is able to do; a lesser server lacks some of it. */
export interface Capabilities {
  /** Off: any `response_format` is refused, as servers without structured output do. */
  readonly structured: boolean;
  /** Off: `logprobs` is refused. */
  readonly logprobs: boolean;
  /** On: answers in a sentence and does not look at `response_format`. */
  readonly prose: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads the body of a chat completion request as strictly as OpenAI does where a mistake would only show there.
 * @throws ApiError 400 that names the field
 */
export function parseChatRequest(body: string, capabilities: Capabilities): ChatRequest {
  const fields = parseObject(body);
  if (typeof fields.model !== 'string' || fields.model === '') throw invalid('model', 'you must provide a model');
  if (fields.stream === true) throw invalid('stream', 'the stand-in does not stream; leave stream out');
  if (fields.n !== undefined && fields.n !== 1) throw invalid('n', 'the stand-in gives one choice; leave n out');
  const messages = parseMessages(fields.messages);
  const { format, question } = parseFormat(fields.response_format, messages, capabilities);
  return { messages, format, question, topLogprobs: parseLogprobs(fields, capabilities), maxTokens: parseMaxTokens(fields) };
}

function parseObject(body: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    throw new ApiError(400, 'We could not parse the JSON body of your request.');
  }
  if (!isFields(value)) throw new ApiError(400, 'The body of the request must be a JSON object.');
  return value;
}

function parseMessages(value: unknown): ChatRequest['messages'] {
  if (!Array.isArray(value) || value.length === 0) throw invalid('messages', 'must be a list of at least one message');
  return value.map((message: unknown, index) => {
    if (!isFields(message) || typeof message.role !== 'string') throw invalid(`messages[${index}]`, 'must have a role and a content');
    return { role: message.role, content: contentOf(message.content, index) };
  });
}

function contentOf(content: unknown, index: number): string {
  if (typeof content === 'string') return content;
  const parts: unknown[] = Array.isArray(content) ? content : [null];
  return parts
    .map((part) => {
      if (isFields(part) && part.type === 'text' && typeof part.text === 'string') return part.text;
      throw invalid(`messages[${index}].content`, 'must be a text or a list of text parts');
    })
    .join('');
}

function parseFormat(
  value: unknown,
  messages: ChatRequest['messages'],
  capabilities: Capabilities,
): { format: ChatRequest['format']; question: Question } {
  const open: Question = { kind: null, labels: null };
  if (value === undefined || value === null) return { format: 'text', question: open };
  const type = isFields(value) ? value.type : undefined;
  if (type === 'text') return { format: 'text', question: open };
  if (!capabilities.structured)
    throw invalid('response_format', `response_format of type '${String(type)}' is not supported by this model`);
  if (type === 'json_object') {
    if (!messages.some((message) => /json/i.test(message.content))) {
      throw invalid('messages', "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'");
    }
    return { format: 'json', question: open };
  }
  if (type !== 'json_schema') throw invalid('response_format', "type must be 'text', 'json_object' or 'json_schema'");
  return { format: 'json', question: parseSchema((value as Fields).json_schema) };
}

/** The question in `{label: {enum}}` or `{labels: {items: {enum}}}`; strict schemas must be what OpenAI's strict mode takes. */
function parseSchema(value: unknown): Question {
  if (!isFields(value) || typeof value.name !== 'string' || !/^[A-Za-z0-9_-]{1,64}$/.test(value.name)) {
    throw invalid('response_format.json_schema.name', 'must be 1 to 64 letters, digits, underscores or dashes');
  }
  const at = 'response_format.json_schema.schema';
  const schema = value.schema;
  if (!isFields(schema) || schema.type !== 'object' || !isFields(schema.properties))
    throw invalid(at, "must be of type 'object' with properties");
  const properties = schema.properties;
  if (value.strict === true) {
    if (schema.additionalProperties !== false) throw invalid(at, "'additionalProperties' is required to be supplied and to be false");
    const required: unknown[] = Array.isArray(schema.required) ? schema.required : [];
    const missing = Object.keys(properties).find((name) => !required.includes(name));
    if (missing !== undefined) throw invalid(at, `'required' must name every property; missing '${missing}'`);
  }
  const single = properties.label;
  if (isFields(single)) return { kind: 'single', labels: enumOf(single, `${at}.properties.label`) };
  const several = properties.labels;
  if (isFields(several) && isFields(several.items)) {
    return { kind: 'multi', labels: enumOf(several.items, `${at}.properties.labels.items`) };
  }
  throw invalid(at, 'the stand-in answers schemas with a property label (an enum) or labels (an array of an enum)');
}

function enumOf(schema: Fields, at: string): readonly string[] {
  const values: unknown = schema.enum;
  if (
    !Array.isArray(values) ||
    values.length === 0 ||
    !values.every((item) => typeof item === 'string') ||
    new Set(values).size < values.length
  ) {
    throw invalid(at, 'must have an enum of different texts');
  }
  return values;
}

function parseLogprobs(fields: Fields, capabilities: Capabilities): number | null {
  const top = fields.top_logprobs;
  if (fields.logprobs !== true) {
    if (typeof top === 'number') throw invalid('top_logprobs', "needs 'logprobs' to be true");
    return null;
  }
  if (!capabilities.logprobs) throw invalid('logprobs', "'logprobs' is not supported by this model");
  if (top === undefined || top === null) return 0;
  if (typeof top !== 'number' || !Number.isInteger(top) || top < 0 || top > 20)
    throw invalid('top_logprobs', 'must be a whole number from 0 to 20');
  return top;
}

function parseMaxTokens(fields: Fields): number | null {
  const name = fields.max_completion_tokens === undefined ? 'max_tokens' : 'max_completion_tokens';
  const value = fields[name];
  if (value === undefined || value === null) return null;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1) throw invalid(name, 'must be a whole number from 1 on');
  return value;
}

function invalid(param: string, problem: string): ApiError {
  return new ApiError(400, `Invalid value for '${param}': ${problem}.`, { param });
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
