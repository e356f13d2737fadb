/** The text, and for a text pair the second one, that a prompt asks about. */
export interface DocumentBlock {
  readonly text: string;
  readonly secondText: string | null;
}

const block = /(?:^|\n)<(document|second-text)>\r?\n([\s\S]*?)\r?\n<\/\1>(?=\r?\n|$)/g;
const escapedTag = /<\\(?=\s*\/\s*(?:document|second-text)\b)/gi;

/**
 * The last document block of a prompt, and the second-text block after it if there is one. The convention:
 * the text stands between a line `<document>` and a line `</document>` (a pair's second text between `<second-text>` and
 * `</second-text>`); closing tags inside a text are written `<\/document>` and `<\/second-text>`. Blocks before the last (a prompt's
 * examples) do not count. null: there is no such block.
 */
export function documentIn(prompt: string): DocumentBlock | null {
  let found: DocumentBlock | null = null;
  for (const [, tag, content] of prompt.matchAll(block)) {
    const text = content!.replace(escapedTag, '<');
    if (tag === 'document') found = { text, secondText: null };
    else if (found !== null) found = { text: found.text, secondText: text };
  }
  return found;
}
