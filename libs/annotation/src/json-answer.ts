/** Most pieces of JSON that are looked for in one answer. */
const maxPieces = 32;

/** Names under which models put labels, whatever they were told; the first that is there counts. */
const labelKeys = ['label', 'labels', 'answer', 'category', 'categories', 'class', 'classification', 'result'];

/**
 * The label names in each piece of JSON that is an answer: the whole text, or objects and arrays within it (in fences, after prose). null
 * for a piece that has the form of an answer and no name in it.
 */
export function answersInJson(text: string): readonly (readonly string[] | null)[] {
  const whole = parsed(text);
  const pieces = whole === undefined ? piecesOf(text) : [whole];
  return pieces.flatMap((piece) => {
    const value = answerValue(piece);
    return value === undefined ? [] : [namesIn(value)];
  });
}

/** The part of a JSON value that holds the labels; undefined where the value is no answer. */
function answerValue(value: unknown): unknown {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.every((item) => typeof item === 'string') ? value : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  const entries = Object.entries(value).map(([key, item]) => [key.trim().toLowerCase(), item] as const);
  const byKey = labelKeys.flatMap((labelKey) => entries.filter(([key]) => key === labelKey))[0];
  return byKey === undefined ? (entries.length === 1 ? entries[0]?.[1] : undefined) : byKey[1];
}

function namesIn(value: unknown): readonly string[] | null {
  const items = Array.isArray(value) ? value : [value];
  const names = items.flatMap((item) => {
    if (typeof item === 'string') return [item];
    return typeof item === 'number' || typeof item === 'boolean' ? [String(item)] : [];
  });
  return names.length === items.length ? names : null;
}

/** The objects and arrays in a text that are JSON, outermost first, left to right. */
function piecesOf(text: string): readonly unknown[] {
  const pieces: unknown[] = [];
  let tries = 0;
  for (let start = nextOpening(text, 0); start >= 0 && tries < maxPieces; tries++) {
    const end = endOfPiece(text, start);
    const piece = end < 0 ? undefined : parsed(text.slice(start, end));
    if (piece !== undefined) pieces.push(piece);
    start = nextOpening(text, piece === undefined ? start + 1 : end);
  }
  return pieces;
}

function nextOpening(text: string, from: number): number {
  const offset = text.slice(from).search(/[{[]/);
  return offset < 0 ? -1 : from + offset;
}

/** Where the bracket at `start` is closed again, brackets in strings not counted; -1 where it is not. */
function endOfPiece(text: string, start: number): number {
  let depth = 0;
  let inString = false;
  for (let index = start; index < text.length; index++) {
    const character = text[index];
    if (inString) {
      if (character === '\\') index++;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === '{' || character === '[') depth++;
    else if ((character === '}' || character === ']') && --depth === 0) return index + 1;
  }
  return -1;
}

/** A JSON value, with commas before closing brackets forgiven; undefined where the text is none. */
function parsed(text: string): unknown {
  for (const candidate of [text, text.replace(/,(\s*[}\]])/g, '$1')]) {
    try {
      return JSON.parse(candidate);
    } catch {
      // The next candidate, or none.
    }
  }
  return undefined;
}
