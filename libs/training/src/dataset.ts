import {
  type Answer,
  canonicalJson,
  type Document,
  digestOf,
  type Gold,
  goldRole,
  hardDistribution,
  hashFraction,
  type LabelDistribution,
  type LabelSet,
  type Sample,
} from '@llambert/domain';

/** Parts the dataset is cut into for cross-validation. */
export const foldCount = 5;

/** A labelled text to learn from. */
export interface DatasetRow {
  readonly documentId: string;
  readonly text: string;
  readonly textPair?: string;
  readonly target: LabelDistribution;
  readonly weight: number;
  /** 0 to `foldCount` - 1, by a hash of the document id: the same document is held out in the same fold in every round. */
  readonly fold: number;
  readonly labelledBy: 'teacher' | 'person';
  /**
   * What the teacher said of it first, where a person's label or the teacher's second one stands in the target: what is compared with the teacher is
   * compared with this. Only what the student contradicts is looked at again, so that by the later labels it would seem to agree more.
   */
  readonly teacherTarget?: LabelDistribution;
  /** The teacher was asked a second time, and what it said then is the label. */
  readonly askedTwice?: true;
}

/** What one training sees: frozen, and named by its fingerprint. */
export interface Dataset {
  /** By document id. */
  readonly rows: readonly DatasetRow[];
  /** Gold that only certifies: no row has its document. By document id. */
  readonly certify: readonly Gold[];
  /** Documents that nobody labelled, to be learned from under pseudo-labels: none of the rows, none that certifies. */
  readonly unlabelled: readonly Document[];
  readonly annotations: number;
  readonly rejections: number;
  readonly fingerprint: string;
}

/**
 * The dataset of a task from its answered samples and gold. A person's label beats the teacher's for the same document, the teacher's
 * second label its first (decision 0016); a document whose gold certifies is not learned from, whoever else labelled it.
 */
export function assembleDataset(
  task: string,
  labels: LabelSet,
  answered: readonly { sample: Sample; answer: Answer }[],
  gold: readonly Gold[],
): Dataset {
  const certify = gold.filter((item) => goldRole(task, item.document.id, item.draw) === 'certify').sort(byDocument);
  const withheld = new Set(certify.map((item) => item.document.id));
  const rows = new Map<string, DatasetRow>();
  const add = (
    document: Gold['document'],
    names: readonly string[],
    by: Pick<DatasetRow, 'labelledBy' | 'askedTwice' | 'teacherTarget'>,
  ) => {
    if (withheld.has(document.id)) return;
    rows.set(document.id, {
      documentId: document.id,
      text: document.text,
      ...(document.textPair === undefined ? {} : { textPair: document.textPair }),
      target: hardDistribution(
        labels,
        names.map((name) => labels.names.indexOf(name)),
      ),
      weight: 1,
      fold: Math.floor(hashFraction(`fold.v1:${task}`, document.id) * foldCount),
      ...by,
    });
  };
  const annotated = answered.flatMap(({ sample, answer }) => (answer.kind === 'annotation' ? [{ sample, answer }] : []));
  const [seconds, firsts] = [true, false].map((again) => annotated.filter(({ sample }) => (sample.strategy === 'doubted') === again));
  for (const { sample, answer } of firsts!) add(sample.document, answer.labels, { labelledBy: 'teacher' });
  const first = (id: string) => {
    const row = rows.get(id);
    return row === undefined ? {} : { teacherTarget: row.teacherTarget ?? row.target };
  };
  for (const { sample, answer } of seconds!) {
    add(sample.document, answer.labels, { labelledBy: 'teacher', askedTwice: true, ...first(sample.document.id) });
  }
  for (const { document, labels: names } of gold) add(document, names, { labelledBy: 'person', ...first(document.id) });
  const sorted = [...rows.values()].sort((left, right) => (left.documentId < right.documentId ? -1 : 1));
  return {
    rows: sorted,
    certify,
    unlabelled: [],
    annotations: annotated.length,
    rejections: answered.length - annotated.length,
    fingerprint: digestOf('dataset.v1', canonicalJson(labels), canonicalJson(sorted)),
  };
}

/** The dataset with unlabelled documents beside its rows. */
export function withUnlabelled(dataset: Dataset, documents: readonly Document[]): Dataset {
  const withheld = new Set(knownDocuments(dataset));
  const unlabelled = documents.filter(({ id }) => !withheld.has(id)).sort((left, right) => (left.id < right.id ? -1 : 1));
  const texts = unlabelled.map(({ id, text, textPair = null }) => [id, text, textPair]);
  return { ...dataset, unlabelled, fingerprint: digestOf('dataset.v1', dataset.fingerprint, canonicalJson(texts)) };
}

/** The documents that have their part in a dataset already: they teach, or they certify. */
export function knownDocuments({ rows, certify }: Dataset): string[] {
  return [...rows.map(({ documentId }) => documentId), ...certify.map(({ document }) => document.id)];
}

function byDocument(left: Gold, right: Gold): number {
  return left.document.id < right.document.id ? -1 : 1;
}

/** Fewest labelled texts that a student is worth training on. */
export const leastRows = 10;

/** Why nothing can be learned from a dataset, for people; null where something can. */
export function datasetProblem(dataset: Dataset, labels: LabelSet): string | null {
  if (dataset.rows.length < leastRows) {
    return `only ${dataset.rows.length} texts have a label (${dataset.rejections} were rejected); a student needs at least ${leastRows}`;
  }
  const seen = labels.names.filter((_, index) => dataset.rows.some((row) => row.target[index]! > 0));
  if (labels.kind === 'single' && seen.length < 2) {
    return `every text was labelled "${seen[0]}"; a student needs examples of at least two labels`;
  }
  if (labels.kind === 'multi' && seen.length === 0) return 'no text was given any label; a student needs examples of at least one';
  if (new Set(dataset.rows.map(({ target }) => target.join())).size < 2) {
    return `every text was given the same labels (${seen.join(', ')}); a student needs examples of others`;
  }
  return null;
}
