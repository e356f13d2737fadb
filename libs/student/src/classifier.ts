import type { LabelSet, ModelManifest, StudentKind } from '@llambert/domain';
import { probabilities } from '@llambert/statistics';
import type { DocumentText } from './linear/features.ts';
import { loadLinearModel } from './linear/model.ts';

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
}

/** Loads the student in a model's folder, whose files are taken as verified against their digests. Throws `corrupt_artifact`. */
export async function loadClassifier(
  folder: string,
  { student, labels, calibration }: Pick<ModelManifest, 'student' | 'labels' | 'calibration'>,
): Promise<Classifier> {
  const model = await loadLinearModel(folder, labels);
  const count = labels.names.length;
  const row = new Float64Array(count);
  return {
    kind: student,
    labels,
    async classify(documents) {
      const cells = new Float32Array(documents.length * count);
      model.logits(documents, cells);
      for (let at = 0; at < cells.length; at += count)
        cells.set(probabilities(cells, at, count, labels.kind, calibration.temperature, row), at);
      return { probabilities: cells, truncated: new Uint8Array(documents.length) };
    },
  };
}
