import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { generateMessages } from '../../../examples/customer-messages/generate.ts';
import { intents } from '../../../examples/customer-messages/message.ts';
import { writeMessages } from '../../../examples/customer-messages/write-messages.ts';
import { customerMessageRules } from './rules.ts';

const messages = [...generateMessages({ count: 5000, seed: 11 })];
const judged = messages.map((message) => {
  const judgement = customerMessageRules.judge({ text: message.text, secondText: null }, { kind: 'single', labels: intents });
  if (judgement.kind === 'unusable') throw new Error('the rules always have an answer');
  const [label] = judgement.labels;
  return { message, right: label === message.intent, probability: judgement.probabilities.get(label!)! };
});

function shareRight(rows: readonly { right: boolean }[]): number {
  return rows.filter((row) => row.right).length / rows.length;
}

describe('generated customer messages', () => {
  it('are the same for a seed, whatever the count, and others for another', () => {
    expect([...generateMessages({ count: 50, seed: 11 })]).toEqual(messages.slice(0, 50));
    expect([...generateMessages({ count: 50, seed: 12 })].map((message) => message.text)).not.toEqual(
      messages.slice(0, 50).map((message) => message.text),
    );
  });

  it('are of every intent, a tenth Japanese, and hardly ever twice the same', () => {
    for (const intent of intents) expect(messages.filter((message) => message.intent === intent).length).toBeGreaterThan(500);
    const japanese = messages.filter((message) => message.language === 'ja');
    expect(japanese.length / messages.length).toBeCloseTo(0.1, 1);
    expect(japanese.every((message) => /[\u3040-\u30ff\u4e00-\u9fff]/.test(message.text))).toBe(true);
    expect(messages.every((message) => !/[[\]{}|]/.test(message.text) && message.text.trim() !== '')).toBe(true);
    expect(new Set(messages.map((message) => message.text)).size / messages.length).toBeGreaterThan(0.95);
    expect(new Set(messages.map((message) => message.id)).size).toBe(messages.length);
  });

  it('are written as CSV and a uniform sample of gold, whole or not at all', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'messages-'));
    try {
      await writeMessages(messages, { folder, count: messages.length, gold: 1000, seed: 11 });
      expect((await readdir(folder)).sort()).toEqual(['gold.jsonl', 'messages.csv']);
      const csv = await readFile(join(folder, 'messages.csv'), 'utf8');
      const field = /"((?:[^"]|"")*)"|[^",\n]*/y.source;
      const rows = [...csv.matchAll(new RegExp(`(${field}),(${field}),(${field}),(${field})\n`, 'g'))];
      expect(rows).toHaveLength(messages.length + 1);
      const unquote = (text: string) => (text.startsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : text);
      expect(rows.slice(1).map((row) => unquote(row[3]!))).toEqual(messages.map((message) => message.text));
      const gold = (await readFile(join(folder, 'gold.jsonl'), 'utf8'))
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { id: string; label: string });
      expect(gold).toHaveLength(1000);
      const byId = new Map(messages.map((message) => [message.id, message.intent]));
      expect(gold.every(({ id, label }) => byId.get(id) === label)).toBe(true);
      const early = gold.filter(({ id }) => id <= messages[2499]!.id).length;
      expect(Math.abs(early - 500)).toBeLessThan(80);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('the rules', () => {
  it('are right about nine times in ten, in both languages', () => {
    expect(shareRight(judged)).toBeGreaterThan(0.9);
    expect(shareRight(judged)).toBeLessThan(0.96);
    for (const language of ['en', 'ja'])
      expect(shareRight(judged.filter((row) => row.message.language === language))).toBeGreaterThan(0.88);
  });

  it('err where they are unsure', () => {
    const ranked = judged.toSorted((left, right) => left.probability - right.probability);
    const quarter = ranked.length / 4;
    expect(shareRight(ranked.slice(-quarter))).toBeGreaterThan(0.98);
    expect(shareRight(ranked.slice(0, quarter))).toBeLessThan(0.85);
  });
});
