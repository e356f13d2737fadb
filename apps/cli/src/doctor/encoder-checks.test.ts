import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseTaskYaml } from '@llambert/contracts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encoderFindings } from './encoder-checks.ts';

describe('encoderFindings', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'llambert-encoder-checks-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const look = (model: string) => {
    const text = `task: t\ndescription: What?\nlabels: [a, b]\nteacher: {model: m, baseUrl: 'http://localhost/v1'}\nstudent: {model: "${model}"}\n`;
    return encoderFindings(parseTaskYaml(text, { fileName: 'task.yaml' }).task, join(folder, 'task.yaml'));
  };

  it('finds out that a folder is no checkpoint, beside the task file', async () => {
    expect(await look('frozen:./nowhere')).toMatchObject([{ check: 'encoder', state: 'fail', message: expect.stringContaining(folder) }]);
    writeFileSync(join(folder, 'config.json'), '{"model_type": "gpt2"}');
    expect(await look('./.')).toMatchObject([{ state: 'fail', message: expect.stringContaining('gpt2') }]);
  });

  it('has nothing to find where no folder is named, and downloads nothing', async () => {
    expect(await look('linear')).toEqual([]);
    expect(await look('scratch:small')).toMatchObject([{ state: 'ok' }]);
    expect(await look('auto:hf:owner/name')).toMatchObject([{ state: 'ok', message: expect.stringContaining('hf:owner/name') }]);
  });
});
