/**
 * A text of a stranger, fit for a terminal: control characters, which could move the cursor or change its title, and marks that turn
 * the direction of writing become visible.
 */
export function safeText(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]/gu, (character) =>
    character === '\n' || character === '\t' ? character : '\ufffd',
  );
}

/** The beginning of a text in one line. */
export function excerpt(text: string, characters: number): string {
  // Four times as much as is shown is enough, however many blanks are folded.
  const line = safeText(text.slice(0, characters * 4).replace(/\r/g, ''))
    .replace(/\s+/g, ' ')
    .trim();
  const kept = Array.from(line).slice(0, characters).join('');
  return kept.length < line.length || text.length > characters * 4 ? `${kept}…` : kept;
}
