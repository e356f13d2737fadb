import type { Intent } from './message.ts';

/** All that one language's messages are made of; every text is a template (see template.ts). */
export interface Phrases {
  readonly openers: readonly string[];
  readonly closers: readonly string[];
  /** What says nothing about the intent. */
  readonly context: readonly string[];
  /** The heart of a message with that intent. */
  readonly asks: Readonly<Record<Intent, readonly string[]>>;
  /** Asides that touch the intent in a message about something else. */
  readonly asides: Readonly<Record<Intent, readonly string[]>>;
  /** Messages that people with different intents write in the same words: nobody can always be right about them. */
  readonly ambiguous: readonly { readonly text: string; readonly meant: readonly Intent[] }[];
  readonly slots: Readonly<Record<string, readonly string[]>>;
}
