/** What a customer can want, in the order of task.yaml. */
export const intents = ['delivery', 'refund', 'product', 'account', 'feedback'] as const;

export type Intent = (typeof intents)[number];

export interface Message {
  readonly id: string;
  readonly text: string;
  readonly channel: 'email' | 'chat' | 'form';
  readonly language: 'en' | 'ja';
  /** What the writer had in mind: the truth by construction. It stands nowhere in the text or the id. */
  readonly intent: Intent;
}
