import { type FieldValue, type Position, type SourceRecord, textOf } from './record.ts';

/** The JSON text of one record as fields, or why it is none. */
export function jsonRecord(text: string, position: Position, raw: Uint8Array): SourceRecord {
  try {
    const value = parseExactly(text.trimEnd()) as object;
    if (!/^\s*\{/.test(text)) {
      const message = `${shown(text)} is not an object like {"text": "…"}`;
      return { kind: 'broken', position, reason: 'not_an_object', message, raw };
    }
    return { kind: 'fields', position, names: Object.keys(value), values: Object.values(value).map(fieldValue), raw };
  } catch (error) {
    // A RangeError comes of nesting that is too deep to be walked.
    if (!(error instanceof SyntaxError || error instanceof RangeError)) throw error;
    return { kind: 'broken', position, reason: 'broken_json', message: `broken JSON (${reasonOf(error)}): ${shown(text)}`, raw };
  }
}

/** Without the place in the record, which looks like one in the file. */
function reasonOf({ message }: Error): string {
  return message.replace(/ (in JSON )?at position \d+.*$/s, '');
}

/** A parsed value as a field's. */
function fieldValue(value: unknown): FieldValue {
  if (typeof value === 'string') return value;
  return value === null ? null : { json: JSON.stringify(value) };
}

/** The strings of a field that may hold a list of them: a string, a number, or a JSON array of such. Null where it is something else. */
export function stringsOf(value: string | { readonly json: string }): string[] | null {
  if (typeof value === 'string') return [value];
  try {
    const parsed = parseExactly(value.json);
    const texts = (Array.isArray(parsed) ? parsed : [parsed]).map(scalarText);
    return texts.every((text) => text !== null) ? texts : null;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return null;
    throw error;
  }
}

function scalarText(value: unknown): string | null {
  const field = fieldValue(value);
  if (field === null) return null;
  const text = textOf(field);
  return /^[[{]/.test(text) ? null : text;
}

type Reviver = (key: string, value: unknown, context: { source?: string }) => unknown;
// The library's types lack both: https://github.com/tc39/proposal-json-parse-with-source
const json = JSON as unknown as { parse(text: string, reviver: Reviver): unknown; rawJSON(text: string): object };

/** Digits that may be more than a double holds. */
const longDigits = /\d{16}/;

/**
 * A JSON text's value. Numbers that a double cannot hold, such as the ids of messages or 1e400, stay as they were written (objects that
 * `JSON.stringify` writes so). Throws SyntaxError for what is no JSON.
 */
export function parseExactly(text: string): unknown {
  if (!longDigits.test(text) && !/\d[eE]\+?\d{3}/.test(text)) return JSON.parse(text);
  return json.parse(text, (_, value, { source }) => {
    if (typeof value !== 'number' || source === undefined) return value;
    const isChanged = !Number.isFinite(value) || (longDigits.test(source) && String(value) !== source);
    return isChanged ? json.rawJSON(source) : value;
  });
}

const shownCharacters = 60;

function shown(text: string): string {
  const start = text.trim();
  return start.length > shownCharacters ? `${start.slice(0, shownCharacters)}…` : start;
}
