import { join } from 'node:path';
import { readJsonLines } from './json-lines.ts';

/** A document with what people say of it and what is to be learnt from. */
export interface LabelledDocument {
  readonly id: string;
  readonly text: string;
  readonly gold: string;
  /** The teacher's label; null: it gave no usable one. */
  readonly answer: string | null;
}

/** Reads `documents.jsonl.gz` (`{id, text}`), `gold.jsonl.gz` and the answers file (`{id, label}`) from a folder; documents without gold are left out. */
export async function readLabelledData(folder: string, answersFile: string): Promise<LabelledDocument[]> {
  const [documents, gold, answers] = await Promise.all(
    ['documents.jsonl.gz', 'gold.jsonl.gz', answersFile].map((file) => readJsonLines<Row>(join(folder, file))),
  );
  const goldOf = new Map(gold!.map(({ id, label }) => [id, label]));
  const answerOf = new Map(answers!.map(({ id, label }) => [id, label]));
  return documents!.flatMap(({ id, text }) => {
    const label = goldOf.get(id);
    return text === undefined || label === null || label === undefined ? [] : [{ id, text, gold: label, answer: answerOf.get(id) ?? null }];
  });
}

/** Reads the texts of a file of `{text}` lines, gzip-compressed. */
export async function readTexts(file: string): Promise<{ readonly text: string }[]> {
  return (await readJsonLines<Row>(file)).flatMap(({ text }) => (text === undefined ? [] : [{ text }]));
}

interface Row {
  readonly id: string;
  readonly text?: string;
  readonly label?: string | null;
}
