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

/** Which student made a model: how to read its files. */
export type StudentKind = 'linear' | 'frozen' | 'fine-tuned';

/** What a model is, in words a machine can check. Its canonical JSON's SHA-256 is the model's digest. */
export interface ModelManifest {
  readonly format: 'llambert.model.v1';
  readonly task: string;
  readonly labellingSpecHash: string;
  readonly round: number;
  readonly labels: LabelSet;
  readonly student: StudentKind;
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
  /** Settings the training chose or was given, for people and for repeating it. */
  readonly training: Readonly<Record<string, string | number | boolean>>;
  readonly calibration: {
    readonly method: 'temperature';
    readonly temperature: number;
    readonly documents: number;
    readonly reference: Reference;
  };
  readonly evaluations: readonly Evaluation[];
  readonly routing: RoutingThreshold;
  /** SHA-256 of every other file of the folder, by its name. */
  readonly files: Readonly<Record<string, string>>;
}
