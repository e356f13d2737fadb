import { renderRequest } from '@llambert/annotation';
import type { Document, Task } from '@llambert/domain';

/** What the teacher would be sent and would answer for an average document. */
export interface PromptSizes {
  /** Documents that were measured. */
  readonly documents: number;
  /** Mean tokens of a prompt, of those that are not too long. */
  readonly inputTokens: number;
  /** Tokens of an answer that names one label, mean over the labels. */
  readonly outputTokens: number;
  /** Share of documents whose prompt is longer than the task allows. */
  readonly tooLong: number;
}

/** What chat templates put around a message, in tokens (OpenAI's: role, separator, priming of the answer). */
const tokensPerMessage = 4;

/** Counts tokens with o200k_base, the tokenizer of OpenAI's current models; other models' need some more or fewer. */
export async function measurePrompts(task: Task, documents: readonly Document[]): Promise<PromptSizes> {
  const { countTokens } = await import('gpt-tokenizer/encoding/o200k_base');
  // What looks like a control token in a text is text.
  const tokensOf = (text: string) => countTokens(text, { disallowedSpecial: new Set<string>() });
  const { maxPromptBytes } = task.settings.teacher;
  let fixed: number | null = null;
  let input = 0;
  let fitting = 0;
  for (const document of documents) {
    const { messages } = renderRequest(task, document);
    if (messages.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0) > maxPromptBytes) continue;
    fixed ??= tokensOf(messages[0]!.content);
    input += fixed + messages.slice(1).reduce((sum, { content }) => sum + tokensOf(content), 0) + messages.length * tokensPerMessage;
    fitting += 1;
  }
  const answers = task.spec.labels.map(({ name }) =>
    tokensOf(JSON.stringify(task.spec.kind === 'single' ? { label: name } : { labels: [name] })),
  );
  return {
    documents: documents.length,
    inputTokens: fitting === 0 ? 0 : input / fitting,
    outputTokens: answers.reduce((sum, tokens) => sum + tokens, 0) / answers.length,
    tooLong: documents.length === 0 ? 0 : 1 - fitting / documents.length,
  };
}
