import type { LabelSet } from './labels.ts';

/** Whom a figure compares with: people's labels, or the teacher's. */
export type Reference = 'human' | 'teacher';

/** How well a model does against a reference, on documents whose labels it was not fitted to. */
export interface Evaluation {
  readonly reference: Reference;
  /** How the figure was come by: `out-of-fold` cross-validation, a `held-out` part (which also chose when to stop), or the `certify` gold. */
  readonly on: 'out-of-fold' | 'held-out' | 'certify-gold';
  readonly documents: number;
  /** Share of documents whose whole label (set) agrees, with a 95 % Clopper–Pearson interval. */
  readonly accuracy: number;
  readonly accuracyInterval: { readonly lower: number; readonly upper: number };
  readonly macroF1: number;
  readonly expectedCalibrationError: number;
  readonly brierScore: number;
  /** The reliability diagram that the calibration error sums up, in ascending order; absent where an older version evaluated. */
  readonly reliability?: readonly ReliabilityBin[];
}

/** How often decisions of some confidence are right. */
export interface ReliabilityBin {
  /** Confidences in [lower, upper); the last bin holds 1 as well. */
  readonly lower: number;
  readonly upper: number;
  readonly count: number;
  /** Null where the bin is empty, as is `accuracy`. */
  readonly meanConfidence: number | null;
  readonly accuracy: number | null;
}

/**
 * The confidence from which on a label stands without a person. `certified`: its error is at most `targetError` with the stated
 * confidence, shown on certify gold; otherwise it only agrees with the teacher that well, and says why it is not certified.
 */
export interface RoutingThreshold {
  readonly certified: boolean;
  readonly reference: Reference;
  /** Least calibrated probability of an `auto` label; null: nothing is automatic. */
  readonly threshold: number | null;
  readonly targetError: number;
  readonly confidence: number;
  /** Share of the reference documents at or above the threshold. */
  readonly coverage: number;
  /** Error observed among them; null where there are none. */
  readonly observedError: number | null;
  /** Documents the threshold was chosen on. */
  readonly documents: number;
  /** Certify gold still missing for a certified threshold; null where it is certified, or where no number would do. */
  readonly goldNeeded: number | null;
  readonly explanation: string;
}

/** From a student's logits to calibrated ones; `probabilities` of statistics applies it. */
export type CalibrationMap =
  /** Logits are divided by the temperature, above 0. */
  | { readonly method: 'temperature'; readonly temperature: number }
  /** Each label's logit gets a scale and a bias, in the label set's order. It may change which label is the most probable. */
  | { readonly method: 'vector'; readonly scales: readonly number[]; readonly biases: readonly number[] };

/** How a model's probabilities were calibrated. */
export type Calibration = CalibrationMap & {
  /** Documents it was fitted to. */
  readonly documents: number;
  readonly reference: Reference;
  /** What was compared, and why this method was taken; absent where an older version trained, which knew but one. */
  readonly explanation?: string;
};

/** Which student made a model: how to read its files. */
export type StudentKind = 'linear' | 'frozen' | 'fine-tuned';

/** What a training was given, chose and came to, for people and for repeating it; the facts that others read by name have one here. */
export interface TrainingFacts {
  readonly [fact: string]: string | number | boolean;
  /** Labels that are likely wrong; absent where nobody looked. */
  readonly doubted?: number;
  /** Unlabelled documents that were learned from under the labels of a first student; absent where none were to be. */
  readonly pseudoLabelled?: number;
  /** What each student of `auto` reached and cost, with `; ` between them; absent where only one was trained. */
  readonly students?: string;
}

/** Two students that decide together: their logits are added, each with its share. */
export interface Ensemble {
  /** Share of the logits of the encoder, in [0, 1]; the linear student beside it has the rest. */
  readonly encoderShare: number;
}

/** Formats of manifests. `v2`: an ensemble, which a reader of `v1` would take for its encoder alone. */
export const modelFormats = ['llambert.model.v1', 'llambert.model.v2'] as const;

export type ModelFormat = (typeof modelFormats)[number];

/** What a model is, in words a machine can check. Its canonical JSON's SHA-256 is the model's digest. */
export interface ModelManifest {
  readonly format: ModelFormat;
  readonly task: string;
  readonly labellingSpecHash: string;
  readonly round: number;
  readonly labels: LabelSet;
  readonly student: StudentKind;
  /** The linear student that an encoder decides together with, its files beside the encoder's; absent: each decides alone. */
  readonly ensemble?: Ensemble;
  /** Pretrained weights the student started from; null: none. */
  readonly baseModel: string | null;
  /** Licence of those weights; null: there are none. */
  readonly licence: string | null;
  readonly dataset: {
    readonly fingerprint: string;
    readonly annotations: number;
    readonly trainGold: number;
    readonly certifyGold: number;
    /** Rows with a second text; absent where an older version trained, which did not say. */
    readonly textPairs?: number;
    /** Labels that no row had, which the model therefore cannot know; absent where an older version trained, which did not say. */
    readonly unseenLabels?: readonly string[];
  };
  readonly training: TrainingFacts;
  readonly calibration: Calibration;
  readonly evaluations: readonly Evaluation[];
  readonly routing: RoutingThreshold;
  /** SHA-256 of every other file of the folder, by its name. */
  readonly files: Readonly<Record<string, string>>;
}

/** The format that says whether there is an ensemble: any other beside it is of a manifest that somebody edited. */
export function manifestFormat({ ensemble }: { readonly ensemble?: Ensemble | undefined }): ModelFormat {
  return ensemble === undefined ? 'llambert.model.v1' : 'llambert.model.v2';
}
