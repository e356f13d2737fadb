import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { besideTask, readTaskFile, unnamedGold } from './task-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'llambert-task-file-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const least = 'task: x\ndescription: Which?\nlabels: [a, b]\nteacher: {model: m, baseUrl: http://localhost:1/v1}\n';

describe('a path beside the task', () => {
  it.each([
    ['sub/task.yaml', 'sub/g.jsonl', 'g.jsonl'],
    ['sub/task.yaml', 'g.jsonl', '../g.jsonl'],
    ['task.yaml', 'sub/g.jsonl', 'sub/g.jsonl'],
    ['task.yaml', './g.jsonl', 'g.jsonl'],
  ])('of %s: %s is %s', (taskFile, path, said) => expect(besideTask(taskFile, path)).toBe(said));

  it('is read back as the file it was', () => {
    const file = join(folder, 'task.yaml');
    const gold = join(folder, 'people', 'g.jsonl');
    writeFileSync(file, `${least}gold: ${besideTask(file, gold)}\n`);
    expect(readTaskFile(file).goldFile).toBe(gold);
  });
});

it('finds gold of the usual name beside the task', () => {
  const file = join(folder, 'task.yaml');
  expect(unnamedGold(file)).toBeNull();
  writeFileSync(join(folder, 'gold.csv'), '');
  expect(unnamedGold(file)).toBe(join(folder, 'gold.csv'));
});
