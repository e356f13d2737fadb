import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openGoldLog } from './gold-log.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'llambert-gold-log-'));
  file = join(folder, 'gold.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true }));
const content = () => readFileSync(file, 'utf8');

describe('openGoldLog', () => {
  it('has every line in the file as soon as it is appended, and takes back its own only', () => {
    writeFileSync(file, '{"id":"a"}\n');
    const log = openGoldLog(file);
    log.append({ id: 'b' });
    log.append({ id: '日本' });
    expect(content()).toBe('{"id":"a"}\n{"id":"b"}\n{"id":"日本"}\n');
    expect(log.undo()).toBe(true);
    expect(log.undo()).toBe(true);
    expect(log.undo()).toBe(false);
    log.append({ id: 'c' });
    log.close();
    expect(content()).toBe('{"id":"a"}\n{"id":"c"}\n');
  });

  it('takes out a last line that was cut off, and completes one that lacks its end only', () => {
    writeFileSync(file, '{"id":"a"}\n{"id":"b","la');
    openGoldLog(file).close();
    expect(content()).toBe('{"id":"a"}\n');
    writeFileSync(file, '{"id":"a"}\n{"id":"b"}');
    openGoldLog(file).close();
    expect(content()).toBe('{"id":"a"}\n{"id":"b"}\n');
  });

  it('refuses a file that cannot be written', () => {
    expect(() => openGoldLog(join(folder, 'none', 'gold.jsonl'))).toThrow(expect.objectContaining({ code: 'invalid_input' }));
  });
});
