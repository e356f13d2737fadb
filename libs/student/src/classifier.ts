import { type Calibration, type Ensemble, type LabelSet, LlambertError, type ModelManifest, type StudentKind } from '@llambert/domain';
import { pooledLogits, probabilities } from '@llambert/statistics';
import { type EncoderModel, loadEncoderModel } from './encoder-release/encoder-model.ts';
import { loadLinearModel } from './linear/model.ts';
import type { DocumentText } from './rows.ts';

export interface Classification {
  /** Calibrated probability of every label, [documents, labels]. */
  readonly probabilities: Float32Array;
  /** 1 where only part of the text was read, [documents]. */
  readonly truncated: Uint8Array;
}

/** A trained student of any tier, ready to label. One call at a time; give each thread its own. */
export interface Classifier {
  readonly kind: StudentKind;
  readonly labels: LabelSet;
  classify(documents: readonly DocumentText[]): Promise<Classification>;
  /** Gives its memory back, which the garbage collector does not see all of. */
  close(): Promise<void>;
}

/** Loads the student in a model's folder, whose files are taken as verified against their digests. Throws `corrupt_artifact`. */
export async function loadClassifier(
  folder: string,
  { student, ensemble, labels, calibration }: Pick<ModelManifest, 'student' | 'ensemble' | 'labels' | 'calibration'>,
): Promise<Classifier> {
  if (!isApplicable(calibration, labels.names.length)) {
    throw new LlambertError(
      'corrupt_artifact',
      `the model in ${folder} is calibrated in a way that this version does not know ("${calibration?.method}"), or not by a number for each of its labels. Use the version that trained it, or train it anew`,
      { facts: { folder } },
    );
  }
  const alone = () => (student === 'linear' ? linearModel(folder, labels) : loadEncoderModel(folder, labels.names.length));
  const model = ensemble === undefined ? await alone() : await pooled(folder, student, labels, ensemble);
  const count = labels.names.length;
  const row = new Float64Array(count);
  return {
    kind: student,
    labels,
    async classify(documents) {
      const { logits, truncated } = await model.logits(documents);
      for (let at = 0; at < logits.length; at += count) logits.set(probabilities(logits, at, count, labels.kind, calibration, row), at);
      return { probabilities: logits, truncated };
    },
    close: () => model.close(),
  };
}

/** Manifests are read without a look at every number, and a later version may know other methods. */
function isApplicable(calibration: Calibration | undefined, labels: number): boolean {
  if (calibration?.method === 'temperature') return calibration.temperature > 0;
  if (calibration?.method !== 'vector') return false;
  // Far beyond what calibration gives, and far from where logits would overflow.
  const most = 1e6;
  return [calibration.scales, calibration.biases].every(
    (numbers) =>
      Array.isArray(numbers) && numbers.length === labels && numbers.every((number) => Number.isFinite(number) && Math.abs(number) < most),
  );
}

/** What gives logits, whichever student it is. */
type LogitModel = Pick<EncoderModel, 'logits' | 'close'>;

/** An encoder and the linear student beside it. Texts are said to be truncated where the encoder read only part of them. */
async function pooled(folder: string, student: StudentKind, labels: LabelSet, ensemble: Ensemble): Promise<LogitModel> {
  // Manifests are read without a look at every number.
  const encoderShare: unknown = (ensemble as Ensemble | null)?.encoderShare;
  if (student === 'linear' || typeof encoderShare !== 'number' || !(encoderShare >= 0 && encoderShare <= 1)) {
    throw new LlambertError(
      'corrupt_artifact',
      `the model in ${folder} says that two students decide, but names no encoder with a share between 0 and 1: train it anew`,
      { facts: { folder } },
    );
  }
  const linear = await linearModel(folder, labels);
  const encoder = await loadEncoderModel(folder, labels.names.length);
  return {
    async logits(documents) {
      const { logits, truncated } = await encoder.logits(documents);
      return { logits: pooledLogits(logits, (await linear.logits(documents)).logits, encoderShare), truncated };
    },
    close: () => encoder.close(),
  };
}

async function linearModel(folder: string, labels: LabelSet): Promise<LogitModel> {
  const model = await loadLinearModel(folder, labels);
  return {
    async logits(documents) {
      const logits = new Float32Array(documents.length * labels.names.length);
      model.logits(documents, logits);
      return { logits, truncated: new Uint8Array(documents.length) };
    },
    async close() {},
  };
}
