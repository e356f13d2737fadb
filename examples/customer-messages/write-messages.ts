import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import type { Message } from './message.ts';
import { randomStream } from './random.ts';

/**
 * Writes messages.csv (RFC 4180) and gold.jsonl into a folder, a few kilobytes at a time; the files get their names when they are
 * whole. The gold ids are a uniform sample without replacement, drawn in one pass (Knuth, TAOCP 2, 3.4.2, algorithm S).
 * @param options.count how many messages will come
 * @param options.gold how many of them get a gold label, at most `count`
 */
export async function writeMessages(
  messages: Iterable<Message>,
  options: { folder: string; count: number; gold: number; seed: number },
): Promise<void> {
  await mkdir(options.folder, { recursive: true });
  const csv = createFile(join(options.folder, 'messages.csv'));
  const gold = createFile(join(options.folder, 'gold.jsonl'));
  const random = randomStream(options.seed, -1);
  let left = options.count;
  let wanted = options.gold;
  await csv.write('id,text,channel,language\n');
  for (const message of messages) {
    await csv.write(`${message.id},${quote(message.text)},${message.channel},${message.language}\n`);
    if (random.next() * left < wanted) {
      await gold.write(`${JSON.stringify({ id: message.id, label: message.intent })}\n`);
      wanted--;
    }
    left--;
  }
  await csv.finish();
  await gold.finish();
}

function quote(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

interface OutputFile {
  write(text: string): Promise<void> | undefined;
  finish(): Promise<void>;
}

function createFile(path: string): OutputFile {
  const partial = `${path}.partial`;
  const stream: WriteStream = createWriteStream(partial);
  let pending = '';
  const flush = async (): Promise<void> => {
    const chunk = pending;
    pending = '';
    if (!stream.write(chunk)) await once(stream, 'drain');
  };
  return {
    write: (text) => {
      pending += text;
      return pending.length < 65536 ? undefined : flush();
    },
    finish: async () => {
      stream.end(pending);
      await finished(stream);
      await rename(partial, path);
    },
  };
}
