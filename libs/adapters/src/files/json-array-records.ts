import type { Encoding } from './encoding.ts';
import { jsonRecord } from './json-record.ts';
import { type BrokenRecord, invalidBytesMessage, maxRecordBytes, type Position, type SourceRecord, tooLongMessage } from './record.ts';

/**
 * The elements of a JSON array, one record each, at the line they begin on. No more than one of them is held. Works on UTF-8, whose
 * bytes below 0x80 are always characters of their own; other encodings are turned into it first.
 */
export async function* jsonArrayRecords(chunks: AsyncIterable<Buffer>, file: string, encoding: Encoding): AsyncGenerator<SourceRecord[]> {
  const isUtf8 = encoding.name === 'utf-8';
  const splitter = new ArraySplitter();
  const recordOf = ({ line, bytes, tooLong }: Element): SourceRecord => {
    const position = { file, line };
    if (tooLong) return { kind: 'broken', position, reason: 'record_too_long', message: tooLongMessage, raw: bytes };
    const text = isUtf8 ? encoding.decode(bytes) : bytes.toString('utf8');
    // In a text that was turned into UTF-8, U+FFFD stands for what could not be.
    if (text === null || (!isUtf8 && text.includes('\ufffd'))) {
      return { kind: 'broken', position, reason: 'invalid_bytes', message: invalidBytesMessage(encoding.name), raw: bytes };
    }
    return jsonRecord(text, position, bytes);
  };
  for await (const chunk of isUtf8 ? chunks : toUtf8(chunks, encoding.name)) yield splitter.split(chunk).map(recordOf);
  const fault = splitter.end(file);
  if (fault !== null) yield [fault];
}

async function* toUtf8(chunks: AsyncIterable<Buffer>, name: string): AsyncGenerator<Buffer> {
  const decoder = new TextDecoder(name, { ignoreBOM: true });
  for await (const chunk of chunks) yield Buffer.from(decoder.decode(chunk, { stream: true }));
  yield Buffer.from(decoder.decode());
}

interface Element {
  readonly line: number;
  readonly bytes: Buffer;
  readonly tooLong: boolean;
}

/** Cuts an array at the commas between its elements, by counting brackets outside of strings. */
class ArraySplitter {
  #place: 'before' | 'inside' | 'after' = 'before';
  /** Brackets open within the element. */
  #depth = 0;
  #inString = false;
  #escaped = false;
  #line = 1;
  /** Line of the first character that is not white space after the last comma; 0 where there was none yet. */
  #elementLine = 0;
  #pieces: Buffer[] = [];
  #size = 0;

  split(chunk: Buffer): Element[] {
    const elements: Element[] = [];
    let from = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at]!;
      if (byte === 0x0a) {
        if (this.#inString) {
          // JSON has no line ends in strings: a quote is missing, and the loss ends here.
          elements.push(this.#close(chunk.subarray(from, at)));
          this.#inString = false;
          this.#escaped = false;
          this.#depth = 0;
        }
        this.#line++;
      } else if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === 0x5c) this.#escaped = true;
        else if (byte === 0x22) this.#inString = false;
      } else if (byte === 0x20 || byte === 0x09 || byte === 0x0d) {
        // White space belongs to no element's beginning.
      } else if (this.#place === 'before') {
        this.#place = 'inside';
        from = at + 1;
      } else if (this.#place === 'after') {
        if (this.#elementLine === 0) {
          this.#elementLine = this.#line;
          from = at;
        }
      } else if (this.#depth === 0 && (byte === 0x2c || byte === 0x5d)) {
        // A comma before the closing bracket ends an element of nothing, which JSON forbids but people write.
        if (this.#elementLine > 0) elements.push(this.#close(chunk.subarray(from, at)));
        if (byte === 0x5d) this.#place = 'after';
        from = at + 1;
      } else {
        if (this.#elementLine === 0) {
          this.#elementLine = this.#line;
          from = at;
        }
        if (byte === 0x22) this.#inString = true;
        else if (byte === 0x7b || byte === 0x5b) this.#depth++;
        else if ((byte === 0x7d || byte === 0x5d) && this.#depth > 0) this.#depth--;
      }
    }
    if (this.#elementLine > 0) this.#keep(chunk.subarray(from));
    return elements;
  }

  /** What is wrong with the end of the array, or null. */
  end(file: string): BrokenRecord | null {
    if (this.#place === 'after' && this.#elementLine === 0) return null;
    const position: Position = { file, line: this.#elementLine > 0 ? this.#elementLine : this.#line };
    const message =
      this.#place === 'after'
        ? 'something follows the end of the array; one record a line is read without brackets around them'
        : 'the array that begins the file has no end: the file is cut off, or a bracket is missing from here on';
    return { kind: 'broken', position, reason: 'broken_json', message, raw: this.#pieces[0] ?? Buffer.alloc(0) };
  }

  #keep(piece: Buffer): void {
    if (this.#size <= maxRecordBytes) this.#pieces.push(piece);
    this.#size += piece.length;
    if (this.#size > maxRecordBytes) this.#pieces.length = 1;
  }

  #close(tail: Buffer): Element {
    const tooLong = this.#size + tail.length > maxRecordBytes;
    const bytes = this.#pieces.length === 0 ? tail : tooLong ? this.#pieces[0]! : Buffer.concat([...this.#pieces, tail]);
    const element = { line: this.#elementLine, bytes, tooLong };
    this.#pieces = [];
    this.#size = 0;
    this.#elementLine = 0;
    return element;
  }
}
