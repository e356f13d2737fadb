import { maxRecordBytes } from './record.ts';

/** How a line ends in the bytes: one byte, or two in UTF-16, where 0x0A is also half of other characters. */
export type LineEnding = 'lf' | 'cr' | 'lf-utf-16le' | 'lf-utf-16be';

export interface Line {
  /** From 1. */
  readonly number: number;
  /** Without its end; only the first bytes of a line that is too long. */
  readonly bytes: Buffer;
  readonly tooLong: boolean;
}

/**
 * Cuts a stream of bytes into lines: one array for each chunk that ended some. No more than one line of `limit` bytes is held; the rest
 * of a longer one is passed over. Works on bytes, before decoding, so that a broken character spoils its own line only: no encoding
 * that browsers know, other than UTF-16, uses 0x0A or 0x0D inside a character.
 */
export async function* splitLines(chunks: AsyncIterable<Buffer>, ending: LineEnding, limit = maxRecordBytes): AsyncGenerator<Line[]> {
  const width = ending.startsWith('lf-') ? 2 : 1;
  let number = 0;
  let open: Buffer[] = [];
  let openBytes = 0;
  // Of UTF-16, a chunk may end inside a unit: that byte waits for the next chunk, so that pieces of a line stay aligned.
  let halfUnit: Buffer | null = null;

  const close = (tail: Buffer): Line => {
    const tooLong = openBytes + tail.length > limit;
    const bytes = open.length === 0 ? tail : tooLong ? open[0]! : Buffer.concat([...open, tail]);
    open = [];
    openBytes = 0;
    return { number: ++number, bytes, tooLong };
  };

  for await (const received of chunks) {
    let chunk: Buffer = halfUnit === null ? received : Buffer.concat([halfUnit, received]);
    const rest = chunk.length % width;
    halfUnit = rest === 0 ? null : chunk.subarray(chunk.length - rest);
    chunk = chunk.subarray(0, chunk.length - rest);

    const lines: Line[] = [];
    let from = 0;
    for (let end = findEnd(chunk, from, ending); end >= 0; end = findEnd(chunk, from, ending)) {
      lines.push(close(chunk.subarray(from, end)));
      from = end + width;
    }
    if (from < chunk.length) {
      const piece = chunk.subarray(from);
      if (openBytes <= limit) open.push(piece);
      openBytes += piece.length;
      if (openBytes > limit) open.length = 1;
    }
    if (lines.length > 0) yield lines;
  }
  const tail = halfUnit ?? Buffer.alloc(0);
  if (openBytes + tail.length > 0) yield [close(tail)];
}

function findEnd(bytes: Buffer, from: number, ending: LineEnding): number {
  if (ending === 'lf') return bytes.indexOf(0x0a, from);
  if (ending === 'cr') return bytes.indexOf(0x0d, from);
  for (let at = bytes.indexOf(0x0a, from); at >= 0; at = bytes.indexOf(0x0a, at + 1)) {
    if (ending === 'lf-utf-16le' && at % 2 === 0 && bytes[at + 1] === 0) return at;
    if (ending === 'lf-utf-16be' && at % 2 === 1 && bytes[at - 1] === 0) return at - 1;
  }
  return -1;
}
