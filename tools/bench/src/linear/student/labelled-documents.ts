import { readLabelledData } from '../../labelled-data.ts';

interface LabelledText {
  readonly text: string;
  readonly label: string;
}

export interface Split {
  readonly labels: readonly string[];
  /** The first `size` documents, as the answers file labels them; those it gave no label are left out. */
  readonly train: readonly LabelledText[];
  /** All documents after them, as people label them. */
  readonly test: readonly LabelledText[];
}

/** The split that scikit-learn.py makes by itself. */
export async function readSplit(folder: string, answersFile: string, size: number): Promise<Split> {
  const documents = await readLabelledData(folder, answersFile);
  const test = documents.slice(size).map(({ text, gold }) => ({ text, label: gold }));
  if (test.length === 0) throw new RangeError(`size ${size} leaves none of the ${documents.length} documents to score`);
  return {
    labels: [...new Set(documents.map(({ gold }) => gold))].sort(),
    train: documents.slice(0, size).flatMap(({ text, answer }) => (answer === null ? [] : [{ text, label: answer }])),
    test,
  };
}
