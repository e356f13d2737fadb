import { type NanoUsd, priceOf, type TeacherRequest, type TokenPrice, type TokenUsage } from '@llambert/domain';

/** What chat templates add to a request: role and end tokens around each message, and a preamble of some models' own (dates, channels). */
const tokensPerMessage = 16;
const tokensPerRequest = 256;

/**
 * More tokens than a request can be billed for. Byte-level BPE and SentencePiece with byte fallback make at most one token of a UTF-8
 * byte; servers that describe the answer's schema in the prompt may write it with line breaks. The answer is as long as it may be.
 */
export function worstUsage(request: TeacherRequest): TokenUsage {
  const messages = request.messages.reduce((sum, { content }) => sum + Buffer.byteLength(content) + tokensPerMessage, 0);
  const schema = Buffer.byteLength(JSON.stringify(request.answerSchema, null, 4));
  return { input: messages + schema + tokensPerRequest, output: request.maxOutputTokens };
}

/** The most a call can cost: what is reserved before it is sent. */
export function worstPrice(request: TeacherRequest, price: TokenPrice): NanoUsd {
  return priceOf(worstUsage(request), price);
}
