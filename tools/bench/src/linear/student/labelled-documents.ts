import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

interface LabelledDocument {
  readonly text: string;
  readonly label: string;
}

export interface Split {
  readonly labels: readonly string[];
  /** The first `size` documents, as the answers file labels them; those it gave no label are left out. */
  readonly train: readonly LabelledDocument[];
  /** All documents after them, as people label them. */
  readonly test: readonly LabelledDocument[];
}

/**
 * Reads `documents.jsonl.gz` (`{id, text}`), `gold.jsonl.gz` and the answers file (`{id, label}`) from a folder. scikit-learn.py
 * makes the same split by itself.
 */
export async function readSplit(folder: string, answersFile: string, size: number): Promise<Split> {
  const [documents, gold, answers] = await Promise.all(
    ['documents.jsonl.gz', 'gold.jsonl.gz', answersFile].map((file) => readJsonLines(join(folder, file))),
  );
  const goldOf = new Map(gold!.map(({ id, label }) => [id, label]));
  const answerOf = new Map(answers!.map(({ id, label }) => [id, label]));
  const labelled = (part: readonly Row[], labelOf: ReadonlyMap<string, string | null | undefined>) =>
    part.flatMap(({ id, text }) => {
      const label = labelOf.get(id);
      return text === undefined || label === null || label === undefined ? [] : [{ text, label }];
    });
  const test = labelled(documents!.slice(size), goldOf);
  if (test.length === 0) throw new RangeError(`size ${size} leaves none of the ${documents!.length} documents to score`);
  return {
    labels: [...new Set(gold!.flatMap(({ label }) => label ?? []))].sort(),
    train: labelled(documents!.slice(0, size), answerOf),
    test,
  };
}

interface Row {
  readonly id: string;
  readonly text?: string;
  readonly label?: string | null;
}

async function readJsonLines(file: string): Promise<Row[]> {
  const lines = gunzipSync(await readFile(file))
    .toString('utf8')
    .split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line));
}
