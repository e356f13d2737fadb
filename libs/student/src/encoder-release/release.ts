import { decide, type LabelDistribution, type LabelSet } from '@llambert/domain';
import { probabilities } from '@llambert/statistics';
import { devLoss } from '../fine-tuning/evaluate.ts';
import type { DocumentText } from '../linear/features.ts';
import { type EncoderModel, loadEncoderModel } from './encoder-model.ts';
import { type EncoderRelease, releasePrecision, saveEncoder } from './save.ts';

/** What 8-bit integers may cost on the held-out part: of the share of right decisions, and of the log-loss relatively. */
const gate = { accuracy: 0.005, logLoss: 0.02 };

/** Labelled documents that both precisions are tried on. */
export interface Judges {
  /** Whether the encoder or its head learned from them. */
  readonly learned: boolean;
  readonly documents: readonly DocumentText[];
  /** One distribution a document. */
  readonly targets: readonly LabelDistribution[];
  readonly labels: LabelSet;
}

export interface Released {
  /** The model as anybody will load it. */
  readonly model: EncoderModel;
  /** Its logits of the judges, [documents, labels]. */
  readonly logits: Float32Array;
  /** Which precision was released and why, for the manifest. */
  readonly facts: Readonly<Record<string, string | number | boolean>>;
}

/**
 * Writes an encoder into an empty folder and tries both precisions on labelled documents: 8-bit integers, more than twice as fast,
 * are released where they decide as well within the gate; otherwise float32, and the facts say why.
 */
export async function releaseEncoder(folder: string, release: EncoderRelease, judges: Judges): Promise<Released> {
  await saveEncoder(folder, release);
  const labels = judges.labels.names.length;
  const float32 = await measured(await loadEncoderModel(folder, labels, 'fp32'), judges);
  const int8 = await measured(await loadEncoderModel(folder, labels, 'int8'), judges);
  const lost = float32.accuracy - int8.accuracy;
  const rise = int8.logLoss / float32.logLoss - 1;
  const within = lost <= gate.accuracy && rise <= gate.logLoss;
  const chosen = within ? int8 : float32;
  await releasePrecision(folder, chosen.model.precision);
  await (within ? float32 : int8).model.close();
  return {
    model: chosen.model,
    logits: chosen.logits,
    facts: {
      precision: chosen.model.precision,
      precisionReason:
        `on ${judges.documents.length} ${judges.learned ? 'training' : 'held-out'} documents 8-bit integers ${within ? 'are' : 'are not'} within the gate: right decisions ` +
        `${points(-lost)} (at most ${points(-gate.accuracy)} is tolerated), log-loss ${percent(rise)} (at most ${percent(gate.logLoss)})`,
    },
  };
}

async function measured(model: EncoderModel, { documents, targets, labels }: Judges) {
  const { logits } = await model.logits(documents);
  const examples = targets.map((target) => ({ target, weights: target.map(() => 1) }));
  const width = labels.names.length;
  const right = targets.filter((target, row) => {
    const shares = Array.from(probabilities(logits, row * width, width, labels.kind, 1));
    return decide(labels, shares).join() === decide(labels, target).join();
  });
  return { model, logits, accuracy: right.length / targets.length, logLoss: devLoss(logits, examples, labels.kind) };
}

function points(share: number): string {
  return `${share > 0 ? '+' : ''}${(100 * share).toFixed(2)} points`;
}

function percent(share: number): string {
  return `${share > 0 ? '+' : ''}${(100 * share).toFixed(1)} %`;
}
