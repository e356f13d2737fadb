import { type Document, LlambertError } from '@llambert/domain';
import { type FeatureSet, trainLinear } from '@llambert/student';

/** How fast a student of this machine labels, on one core. */
export interface StudentSpeed {
  /** What it is, for people. */
  readonly student: string;
  readonly documentsPerSecond: number;
  /** How long training takes on `trainedOn` documents, in seconds. */
  readonly trainingSeconds: number;
  readonly trainedOn: number;
  /** How long the trainings of all rounds take together, in seconds; absent where that is next to nothing. */
  readonly allRoundsSeconds?: number;
}

const mostTrained = 1000;
const measuredMs = 1500;
const documentsPerCall = 200;

/**
 * Measures the linear students on documents of the input. Their labels are made up (whether a text is longer than most), for only
 * the time counts: nothing here says how right a student would be.
 */
export async function measureStudents(documents: readonly Document[], signal: AbortSignal): Promise<StudentSpeed[]> {
  if (documents.length < 4) return [];
  const speeds: StudentSpeed[] = [];
  for (const features of ['words', 'words+chars'] as const) speeds.push(await measure(documents, features, signal));
  return speeds;
}

async function measure(documents: readonly Document[], features: FeatureSet, signal: AbortSignal): Promise<StudentSpeed> {
  const labels = { kind: 'single', names: ['shorter', 'longer'] } as const;
  const trained = documents.slice(0, mostTrained);
  const byLength = [...trained].sort((left, right) => left.text.length - right.text.length);
  const longer = new Set(byLength.slice(byLength.length >> 1));
  const rows = trained.map((document, index) => ({
    text: document.text,
    ...(document.textPair === undefined ? {} : { textPair: document.textPair }),
    target: longer.has(document) ? [0, 1] : [1, 0],
    weight: 1,
    fold: index % 2,
  }));
  const trainingBegun = performance.now();
  const { model } = await trainLinear({ rows, labels, settings: { features, classWeights: 'none' }, signal });
  const begun = performance.now();
  const logits = new Float32Array(documentsPerCall * labels.names.length);
  let labelled = 0;
  let elapsed = 0;
  for (let at = 0; elapsed < measuredMs; at = (at + documentsPerCall) % documents.length) {
    const batch = documents.slice(at, at + documentsPerCall);
    model.logits(batch, logits);
    labelled += batch.length;
    elapsed = performance.now() - begun;
    if (signal.aborted) throw new LlambertError('cancelled', 'stopped on request');
  }
  return {
    student: features === 'words' ? 'linear, words' : 'linear, words and characters',
    documentsPerSecond: labelled / (elapsed / 1000),
    trainingSeconds: (begun - trainingBegun) / 1000,
    trainedOn: trained.length,
  };
}
