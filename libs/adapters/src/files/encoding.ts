import { isUtf8 } from 'node:buffer';
import { LlambertError } from '@llambert/domain';
import { analyse } from 'chardet';
import type { LineEnding } from './lines.ts';

/** How the bytes of a source become text. */
export interface Encoding {
  /** Its WHATWG name, e.g. `utf-8`, `shift_jis`. */
  readonly name: string;
  /** Length of the byte order mark to pass over. */
  readonly markBytes: number;
  /** Whether it was guessed from what the bytes look like, and may be wrong. */
  readonly guessed: boolean;
  /** The text, or null where a byte sequence is not valid. */
  decode(bytes: Uint8Array): string | null;
  /** The text with U+FFFD for what is not valid. */
  decodeLossy(bytes: Uint8Array): string;
}

/**
 * The encoding of a source: the one asked for (any WHATWG label), else by its byte order mark, else UTF-8 where `head` (its first MiB)
 * is valid or nearly so, else a guess. Null where it is no text: nothing fits, or zero bytes stand where no text has them.
 * @throws LlambertError invalid_input where the label is unknown
 */
export function findEncoding(head: Uint8Array, file: string, label?: string): Encoding | null {
  const marked = byteOrderMark(head);
  if (label !== undefined) {
    const encoding = encodingOf(label, file);
    return { ...encoding, markBytes: marked?.name === encoding.name ? marked.bytes : 0 };
  }
  if (marked !== null) return { ...encodingOf(marked.name, file), markBytes: marked.bytes };
  const wide = unmarkedUtf16(head);
  if (wide !== null) return { ...encodingOf(wide, file), guessed: true };
  if (isMostlyUtf8(head)) return encodingOf('utf-8', file);
  const guess = head.includes(0) ? null : guessEncoding(head);
  return guess === null ? null : { ...encodingOf(guess, file), guessed: true };
}

function encodingOf(label: string, file: string): Encoding {
  const strict = decoderOf(label, file);
  const lossy = new TextDecoder(label, { ignoreBOM: true });
  const decodeLossy = (bytes: Uint8Array) => lossy.decode(bytes);
  const decode = (bytes: Uint8Array) => {
    try {
      return strict.decode(bytes);
    } catch {
      return null;
    }
  };
  // One scan and one copy: faster than the decoder on lines of some kilobytes, and no exception for a broken one.
  const decodeUtf8 = (bytes: Uint8Array) =>
    isUtf8(bytes) ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8') : null;
  return { name: strict.encoding, markBytes: 0, guessed: false, decode: strict.encoding === 'utf-8' ? decodeUtf8 : decode, decodeLossy };
}

function decoderOf(label: string, file: string) {
  try {
    // Byte order marks are ours to find: a decoder would drop U+FEFF from the start of every line.
    return new TextDecoder(label, { fatal: true, ignoreBOM: true });
  } catch (cause) {
    throw new LlambertError(
      'invalid_input',
      `${file}: the encoding '${label}' is unknown; --encoding takes names like utf-8, shift_jis, euc-jp, windows-1252, gb18030, utf-16le`,
      { facts: { file, encoding: label }, cause },
    );
  }
}

/** How lines end: a source with carriage returns and no line feed was written by an old Macintosh program. */
export function lineEndingOf(encoding: Encoding, head: Uint8Array): LineEnding {
  if (encoding.name === 'utf-16le' || encoding.name === 'utf-16be') return `lf-${encoding.name}`;
  return head.includes(0x0d) && !head.includes(0x0a) ? 'cr' : 'lf';
}

function byteOrderMark(head: Uint8Array): { name: string; bytes: number } | null {
  if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) return { name: 'utf-8', bytes: 3 };
  if (head[0] === 0xff && head[1] === 0xfe) return { name: 'utf-16le', bytes: 2 };
  if (head[0] === 0xfe && head[1] === 0xff) return { name: 'utf-16be', bytes: 2 };
  return null;
}

/** UTF-16 without a mark: zero bytes, all of them on the same side of the units (spaces, digits and line ends have one in any script). */
function unmarkedUtf16(head: Uint8Array): 'utf-16le' | 'utf-16be' | null {
  let even = 0;
  let odd = 0;
  for (let at = 0; at < head.length; at++) if (head[at] === 0) at % 2 === 0 ? even++ : odd++;
  if (Math.max(even, odd) * 50 < head.length || Math.min(even, odd) > 0) return null;
  return odd > 0 ? 'utf-16le' : even > 0 ? 'utf-16be' : null;
}

/** Valid UTF-8, or with at least ten good characters beyond ASCII for each bad byte: then a few lines are broken, not the guess. */
function isMostlyUtf8(head: Uint8Array): boolean {
  // With `stream`, a character cut off by the end of the head is no fault.
  const text = new TextDecoder('utf-8').decode(head, { stream: true });
  let bad = 0;
  let good = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === 0xfffd) bad++;
    else if (unit > 0x7f) good++;
  }
  return bad === 0 || good >= 10 * bad;
}

/** Enough for chardet, which takes a second for some megabytes. */
const guessBytes = 64 * 1024;

/**
 * The likeliest encoding of bytes that are not UTF-8. Kana first, because chardet takes short Japanese texts for Cyrillic: of a text
 * in the wrong encoding, few characters come out as kana. Then chardet's best guess that decodes the bytes; null without one.
 */
function guessEncoding(bytes: Uint8Array): string | null {
  const sample = withoutAsciiLines(bytes).subarray(0, guessBytes);
  for (const name of ['shift_jis', 'euc-jp']) {
    const text = new TextDecoder(name).decode(sample, { stream: true });
    const foreign = text.match(/[^\0-\x7f]/g)?.length ?? 0;
    const kana = text.match(/[\u3041-\u30ff]/g)?.length ?? 0;
    if (kana > 0.2 * foreign && !/\ufffd{2}/.test(text)) return name;
  }
  for (const { name } of analyse(sample)) {
    try {
      return decodes(name, sample);
    } catch {
      // Not an encoding of the platform, or not this one: the next guess.
    }
  }
  return null;
}

/** The platform's name for the encoding. */
function decodes(name: string, sample: Uint8Array): string {
  const decoder = new TextDecoder(name, { fatal: true });
  decoder.decode(sample, { stream: true });
  return decoder.encoding;
}

/** The lines that tell something: in a file that is mostly markup or English, few of the first bytes do. */
function withoutAsciiLines(bytes: Uint8Array): Uint8Array {
  const kept: Uint8Array[] = [];
  let size = 0;
  for (let from = 0; from < bytes.length && size < guessBytes; ) {
    const found = bytes.indexOf(0x0a, from);
    const end = found < 0 ? bytes.length : found + 1;
    const line = bytes.subarray(from, end);
    if (line.some((byte) => byte > 0x7f || byte === 0x1b)) {
      kept.push(line);
      size += line.length;
    }
    from = end;
  }
  return Buffer.concat(kept);
}
