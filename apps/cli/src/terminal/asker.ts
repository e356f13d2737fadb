import { confirm, input, select } from '@inquirer/prompts';
import { LlambertError } from '@llambert/domain';

export interface Choice<Value> {
  readonly name: string;
  readonly value: Value;
  readonly description?: string;
}

/** Asks a person. Every method throws `cancelled` where the person stops instead of answering. */
export interface Asker {
  /** @param check says what is wrong with an answer, or null */
  text(question: string, options?: { fallback?: string; check?: (answer: string) => string | null }): Promise<string>;
  /** A number from 0 up. */
  amount(question: string, options?: { fallback?: number }): Promise<number>;
  choose<Value>(question: string, choices: readonly Choice<Value>[]): Promise<Value>;
  agree(question: string, options: { fallback: boolean }): Promise<boolean>;
}

/** Whether there is a person at both ends. */
export function isTerminal(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

/** Asks on the terminal: questions go to stderr, for stdout is for results. */
export function terminalAsker(signal: AbortSignal): Asker {
  const context = { output: process.stderr, signal };
  return {
    text: (question, { fallback, check } = {}) =>
      answered(
        input(
          {
            message: question,
            ...(fallback === undefined ? {} : { default: fallback }),
            validate: (answer) => check?.(answer.trim()) ?? true,
          },
          context,
        ),
      ).then((answer) => answer.trim()),
    amount: (question, { fallback } = {}) =>
      answered(
        input(
          {
            message: question,
            ...(fallback === undefined ? {} : { default: String(fallback) }),
            validate: (answer) => (amountIn(answer) === null ? 'a number such as 0.15, please' : true),
          },
          context,
        ),
      ).then((answer) => amountIn(answer)!),
    choose: (question, choices) => answered(select({ message: question, choices: [...choices], pageSize: 12, loop: false }, context)),
    agree: (question, { fallback }) => answered(confirm({ message: question, default: fallback }, context)),
  };
}

function amountIn(text: string): number | null {
  const trimmed = text.trim().replace(/^\$/, '');
  const amount = Number(trimmed);
  return trimmed !== '' && Number.isFinite(amount) && amount >= 0 ? amount : null;
}

async function answered<Answer>(prompt: Promise<Answer>): Promise<Answer> {
  try {
    return await prompt;
  } catch (error) {
    if (error instanceof Error && (error.name === 'ExitPromptError' || error.name === 'AbortPromptError')) {
      throw new LlambertError('cancelled', 'stopped: nothing was written', { cause: error });
    }
    throw error;
  }
}
