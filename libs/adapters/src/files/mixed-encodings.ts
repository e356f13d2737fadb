import { isUtf8 } from 'node:buffer';
import type { Encoding } from './encoding.ts';

/** Characters beyond ASCII that a line, or a file's lines together, must have for their being valid UTF-8 to be no accident. */
const tellingOfLine = 4;
const tellingOfFile = 5;
/** Share of the lines beyond ASCII that are UTF-8 by no accident from which on no other encoding can be that of the whole. */
const tellingShare = 0.2;

/**
 * The first line (from 1) that is not UTF-8 in a source that for a good part is, where its encoding was guessed or could not be: no
 * encoding reads all of it, and a guess would spoil most lines in silence. Null where the guess may stand.
 */
export function firstLineOfOther(head: Uint8Array, encoding: Encoding | null): number | null {
  if (encoding !== null && (!encoding.guessed || encoding.name.startsWith('utf-16'))) return null;
  let [utf8, telling, others, characters] = [0, 0, 0, 0];
  let first: number | null = null;
  let number = 0;
  for (let from = 0; from < head.length; ) {
    const found = head.indexOf(0x0a, from);
    const line = head.subarray(from, found < 0 ? head.length : found);
    from += line.length + 1;
    number += 1;
    const beyond = characterStarts(line);
    if (beyond === 0) continue;
    if (isUtf8(line)) {
      utf8 += 1;
      characters += beyond;
      if (beyond >= tellingOfLine) telling += 1;
    } else {
      others += 1;
      first ??= number;
    }
  }
  const isMixed = (utf8 > others && characters >= tellingOfFile) || telling > tellingShare * (utf8 + others);
  return isMixed ? first : null;
}

/** Bytes that begin a character beyond ASCII where the text is UTF-8. */
function characterStarts(line: Uint8Array): number {
  let count = 0;
  for (const byte of line) if (byte >= 0xc0) count += 1;
  return count === 0 && line.some((byte) => byte > 0x7f) ? 1 : count;
}

export function mixedEncodingsMessage(line: number): string {
  return `its lines are in different encodings: many are UTF-8, line ${line} is not. Mend them, or name an --encoding: with utf-8, lines like this one end among the dead letters`;
}
