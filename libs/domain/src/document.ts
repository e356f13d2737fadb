/** A text to label. `textPair` makes it a text pair (premise and hypothesis, question and answer). `metadata` is carried, never read. */
export interface Document {
  readonly id: string;
  readonly text: string;
  readonly textPair?: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A text above this many UTF-8 bytes is refused with the reason `too_long` (DESIGN: 1 MiB). */
export const maxTextBytes = 1024 * 1024;

/** Longest document id, in UTF-8 bytes: ids become topic keys and file names of reports. */
export const maxIdBytes = 512;

export type DocumentProblem = 'missing_id' | 'id_too_long' | 'empty_text' | 'text_too_long' | 'invalid_unicode';

/** What makes a document unfit for labelling, or null where nothing does. */
export function documentProblem(document: Document): DocumentProblem | null {
  if (document.id === '') return 'missing_id';
  if (exceedsBytes(document.id, maxIdBytes)) return 'id_too_long';
  if (document.text.trim() === '') return 'empty_text';
  if (exceedsBytes(document.text, maxTextBytes) || exceedsBytes(document.textPair ?? '', maxTextBytes)) return 'text_too_long';
  if (!document.text.isWellFormed() || !document.id.isWellFormed() || !(document.textPair ?? '').isWellFormed()) return 'invalid_unicode';
  return null;
}

/** Whether a text has more UTF-8 bytes than `limit`; a text encodes to between one and three bytes per UTF-16 unit. */
function exceedsBytes(text: string, limit: number): boolean {
  return text.length > limit || (text.length * 3 > limit && Buffer.byteLength(text) > limit);
}
