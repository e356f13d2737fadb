import { type CalibrationMap, decide, type LabelDistribution, type LabelSet } from '@llambert/domain';
import { logLosses, probabilities } from '@llambert/statistics';
import type { TrainedEncoder } from '../encoder/trained.ts';
import type { DocumentText } from '../rows.ts';
import { type EncoderModel, loadEncoderModel } from './encoder-model.ts';
import type { Precision } from './precision.ts';
import { releasePrecision, saveEncoder } from './save.ts';

/** What 8-bit integers may cost: of the share of right decisions where that is more than chance, and of the log-loss relatively. */
const gate = { accuracy: 0.005, logLoss: 0.02 };
/** What float32's part is of the time that both precisions take. */
const float32Share = 0.7;

/** Labelled documents that both precisions are tried on. */
export interface GateDocuments {
  /** `training` where the encoder or its head learned from them. */
  readonly part: 'held-out' | 'training';
  readonly documents: readonly DocumentText[];
  /** One distribution a document. */
  readonly targets: readonly LabelDistribution[];
  readonly labels: LabelSet;
  /** The encoder's logits of them in float32, [documents, labels], where they are known; null: they are computed. */
  readonly float32Logits: Float32Array | null;
  /** The calibration by which both precisions decide, from the encoder's logits of the documents in float32. */
  readonly calibrationOf: (float32Logits: Float32Array) => Promise<CalibrationMap>;
}

export interface Released {
  /** The model as anybody will load it. */
  readonly model: EncoderModel;
  /** Its logits of the gate's documents, [documents, labels]. */
  readonly logits: Float32Array;
  /** Which precision was released and why, for the manifest. */
  readonly facts: Readonly<Record<string, string | number | boolean>>;
}

/**
 * Writes an encoder into an empty folder and tries both precisions on labelled documents: 8-bit integers, more than twice as fast,
 * are released where they decide as well within the gate; otherwise float32, and the facts say why.
 * @param onProgress hears the share of the trying that is done, in [0, 1]
 */
export async function releaseEncoder(
  folder: string,
  encoder: TrainedEncoder,
  { part, documents, targets, labels, float32Logits, calibrationOf }: GateDocuments,
  onProgress: (share: number) => void = () => {},
): Promise<Released> {
  await saveEncoder(folder, encoder);
  const load = (precision: Precision) => loadEncoderModel(folder, labels.names.length, precision);
  const read = async (model: EncoderModel, from: number, to: number) =>
    (await model.logits(documents, (share) => onProgress(from + (to - from) * share))).logits;
  const before = float32Logits === null ? float32Share : 0;

  let float32: EncoderModel | null = null;
  let known = float32Logits;
  if (known === null) {
    float32 = await load('fp32');
    known = await read(float32, 0, before);
  }
  const int8 = await load('int8');
  const logits = await read(int8, before, 1);

  const calibration = await calibrationOf(known);
  const [wanted, reached] = [known, logits].map((own) => measured(own, targets, labels, calibration)) as [Measured, Measured];
  const lost = count(targets, (row) => wanted.right[row]! && !reached.right[row]!);
  const gained = count(targets, (row) => !wanted.right[row]! && reached.right[row]!);
  // Of decisions that change by chance, as many are gained as lost, give or take the root of their number (McNemar 1947).
  const tolerated = Math.max(gate.accuracy * targets.length, Math.sqrt(lost + gained));
  const rise = reached.logLoss / wanted.logLoss - 1;
  const within = lost - gained <= tolerated && rise <= gate.logLoss;
  await releasePrecision(folder, within ? 'int8' : 'fp32');
  await (within ? float32 : int8)?.close();
  return {
    model: within ? int8 : (float32 ?? (await load('fp32'))),
    logits: within ? logits : known,
    facts: {
      precision: within ? 'int8' : 'fp32',
      precisionReason:
        `on ${documents.length} ${part} documents 8-bit integers ${within ? 'are' : 'are not'} within the gate: ${lost} right decisions lost, ` +
        `${gained} gained (a loss of ${Math.floor(tolerated)} is tolerated), log-loss ${percent(rise)} (at most ${percent(gate.logLoss)})`,
    },
  };
}

interface Measured {
  readonly right: readonly boolean[];
  readonly logLoss: number;
}

function measured(logits: Float32Array, targets: readonly LabelDistribution[], labels: LabelSet, calibration: CalibrationMap): Measured {
  const width = labels.names.length;
  const right = targets.map((target, row) => {
    const shares = Array.from(probabilities(logits, row * width, width, labels.kind, calibration));
    return decide(labels, shares).join() === decide(labels, target).join();
  });
  const losses = logLosses(logits, targets.flat(), width, labels.kind, calibration);
  return { right, logLoss: losses.reduce((sum, loss) => sum + loss, 0) / targets.length };
}

function count(of: readonly unknown[], is: (row: number) => boolean): number {
  return of.filter((_, row) => is(row)).length;
}

function percent(share: number): string {
  return `${share > 0 ? '+' : ''}${(100 * share).toFixed(1)} %`;
}
