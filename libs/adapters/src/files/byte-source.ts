import { createReadStream } from 'node:fs';
import { pipeline, Readable, type Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { LlambertError } from '@llambert/domain';
import type { InputFile } from './inputs.ts';
import { messageOf, unreadable } from './unreadable.ts';

/** A source opened as bytes, decompressed where its first bytes say gzip or Zstandard, whatever its name. */
export interface ByteSource {
  /** Its first bytes, up to `headBytes`, for guesses; `chunks` gives them again. */
  readonly head: Buffer;
  readonly compressed: boolean;
  readonly chunks: AsyncIterable<Buffer>;
  /** Lets go of the file, whether or not it was read. */
  close(): Promise<void>;
}

const headBytes = 1024 * 1024;
const chunkBytes = 256 * 1024;

/**
 * @param onBytes told how many bytes of the file itself (before decompression) were read
 * @throws LlambertError invalid_input where the file is not there or may not be read; from `chunks`, where it is cut off or corrupt
 */
export async function openBytes(input: InputFile, stdin: Readable, onBytes: (count: number) => void): Promise<ByteSource> {
  const stored = await peek(counted(input, stdin, onBytes), 4);
  const inflate = decompressor(stored.head);
  const opened = await peek(inflate === null ? stored.chunks : inflated(stored.chunks, inflate, input), headBytes);
  return {
    ...opened,
    compressed: inflate !== null,
    close: async () => {
      await opened.close();
      await stored.close();
    },
  };
}

function decompressor(head: Buffer): Transform | null {
  if (head[0] === 0x1f && head[1] === 0x8b) return createGunzip({ chunkSize: chunkBytes });
  if (head.length >= 4 && head.readUInt32LE() === 0xfd2fb528) return createZstdDecompress({ chunkSize: chunkBytes });
  return null;
}

async function* counted(input: InputFile, stdin: Readable, onBytes: (count: number) => void): AsyncGenerator<Buffer> {
  // A buffer that is no larger than the file: of folders, there are very many.
  const highWaterMark = Math.min(chunkBytes, (input.bytes ?? chunkBytes) + 1);
  const stream = input.path === null ? stdin : createReadStream(input.path, { highWaterMark });
  try {
    for await (const chunk of stream) {
      const bytes: Buffer = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      onBytes(bytes.length);
      yield bytes;
    }
  } catch (cause) {
    throw unreadable(input.name, cause);
  }
}

async function* inflated(chunks: AsyncIterable<Buffer>, inflate: Transform, input: InputFile): AsyncGenerator<Buffer> {
  // The callback is there for its argument only: the error also reaches whoever reads the last stream.
  const stream = pipeline(Readable.from(chunks), inflate, () => {});
  try {
    for await (const chunk of stream) yield chunk;
  } catch (cause) {
    if (cause instanceof LlambertError) throw cause;
    throw new LlambertError(
      'invalid_input',
      `${input.name}: the compressed file is cut off or corrupt (${messageOf(cause)}); fetch it again`,
      {
        facts: { file: input.name },
        cause,
      },
    );
  }
}

interface Peeked {
  readonly head: Buffer;
  readonly chunks: AsyncIterable<Buffer>;
  close(): Promise<void>;
}

/** Reads until `wanted` bytes are there, and gives back a stream that begins with them. What breaks while peeking breaks in the stream. */
async function peek(source: AsyncIterable<Buffer>, wanted: number): Promise<Peeked> {
  const iterator = source[Symbol.asyncIterator]();
  const taken: Buffer[] = [];
  let size = 0;
  let failure: { error: unknown } | null = null;
  while (size < wanted) {
    try {
      const next = await iterator.next();
      if (next.done) break;
      taken.push(next.value);
      size += next.value.length;
    } catch (error) {
      failure = { error };
      break;
    }
  }
  if (failure !== null && size === 0) throw failure.error;
  async function* chunks(): AsyncGenerator<Buffer> {
    for (let chunk = taken.shift(); chunk !== undefined; chunk = taken.shift()) yield chunk;
    if (failure !== null) throw failure.error;
    yield* { [Symbol.asyncIterator]: () => iterator };
  }
  const close = async () => {
    await iterator.return?.();
  };
  return { head: Buffer.concat(taken).subarray(0, wanted), chunks: chunks(), close };
}
