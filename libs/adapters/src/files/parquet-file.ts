import { type FileHandle, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AsyncBuffer } from 'hyparquet';

/** Bytes that can be read in any order. */
export interface RandomAccess extends AsyncBuffer {
  close(): Promise<void>;
}

/** @param onBytes told how many bytes were read */
export async function openRandomAccess(path: string, onBytes: (count: number) => void): Promise<RandomAccess> {
  const handle: FileHandle = await open(path);
  const { size } = await handle.stat();
  return {
    byteLength: size,
    slice: async (start, end = size) => {
      const wanted = new Uint8Array(Math.max(0, Math.min(end, size) - start));
      const { bytesRead } = await handle.read(wanted, 0, wanted.length, start);
      onBytes(bytesRead);
      return bytesRead === wanted.length ? wanted.buffer : wanted.buffer.slice(0, bytesRead);
    },
    close: () => handle.close(),
  };
}

/** Puts a stream into a file for the time it is read: Parquet has its table of contents at the end. */
export async function spool(chunks: AsyncIterable<Buffer>): Promise<RandomAccess> {
  const folder = await mkdtemp(join(tmpdir(), 'llambert-parquet-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const path = join(folder, 'input.parquet');
    await writeFile(path, chunks);
    const file = await openRandomAccess(path, () => {});
    return {
      ...file,
      close: async () => {
        await file.close();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}
