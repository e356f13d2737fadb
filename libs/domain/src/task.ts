import { canonicalJson, digestOf } from './identity.ts';
import type { LabelKind, LabelSet } from './labels.ts';
import type { StudentKind } from './model.ts';
import type { TokenPrice } from './money.ts';

/** What to label, as the teacher and people read it. Its hash says whether two annotations answer the same question. */
export interface LabellingSpec {
  readonly description: string;
  readonly kind: LabelKind;
  readonly labels: readonly { readonly name: string; readonly description: string }[];
  readonly guide: string;
  readonly examples: readonly { readonly text: string; readonly textPair?: string; readonly labels: readonly string[] }[];
}

export interface TeacherSettings {
  readonly model: string;
  readonly baseUrl: string;
  /** Name of the environment variable that holds the key; null where the server wants none. The key itself is never part of a task. */
  readonly apiKeyEnv: string | null;
  readonly price: TokenPrice;
  readonly temperature: number;
  /** Calls in flight at once. */
  readonly concurrency: number;
  /** Longest answer, in tokens: part of a call's worst price. */
  readonly maxOutputTokens: number;
  /** A document whose prompt has more UTF-8 bytes than this is rejected as too long rather than cut. */
  readonly maxPromptBytes: number;
  readonly timeoutSeconds: number;
  /** What becomes of a sample whose call was in flight at a crash: asked again (and paid again), or rejected. */
  readonly onOutcomeUnknown: 'repeat' | 'reject';
}

export interface BudgetSettings {
  /** Hard cap on what the teacher may cost, in US dollars, over all rounds, runs and replicas of the task. */
  readonly usd: number;
  /** Most samples to annotate, over all rounds. */
  readonly annotations: number;
}

export interface SamplingSettings {
  /** `representative`: proportional to the source's strata (script and length, or `stratifyBy`); `uniform`: simple random. */
  readonly strategy: 'representative' | 'stratified' | 'uniform';
  readonly seed: number;
  /** A metadata field whose values are the strata; null: script and length. */
  readonly stratifyBy: string | null;
  /** Documents kept in the pool that rounds are drawn from. */
  readonly poolSize: number;
  /** Most rounds; each doubles the annotations so far. */
  readonly rounds: number;
  /** Rounds end when the learning curve promises less than this share of agreement from doubling the annotations. */
  readonly plateauGain: number;
  /** Rounds end when agreement with the teacher reaches this; null: never for that reason. */
  readonly targetAgreement: number | null;
  /** Share of a round's samples that must be answered before its deadline lets training start without the rest. */
  readonly quorum: number;
  readonly deadlineSeconds: number;
}

/**
 * `keep`: they count; `halve`: they count half; `drop`: they do not count; `ask-teacher`: the teacher is asked once more, in the next
 * round; `ask-person`: a person is to decide. What was not asked again, and what nobody has decided, counts half.
 */
export type LikelyWrong = 'keep' | 'halve' | 'drop' | 'ask-teacher' | 'ask-person';

export interface StudentSettings {
  /** Which student to train; `auto`: the best of those that can be trained in time, on a part held out of all of them. */
  readonly model: StudentKind | 'auto';
  /** The encoder that a frozen or fine-tuned student starts from: a folder, `hf:<owner>/<name>[@revision]`, or `scratch:small`; else null. */
  readonly encoder: string | null;
  /** How long `auto` may train in each round. */
  readonly minutes: number;
  readonly seed: number;
  readonly classWeights: 'none' | 'balanced';
  /** What is done with the teacher's labels that confident learning takes for wrong. */
  readonly likelyWrong: LikelyWrong;
  /** Most tokens that an encoder reads of a text, special ones included. */
  readonly maxTokens: number;
  /** Which tokens of a longer text it reads: the first ones, or some from both ends. */
  readonly truncation: 'head' | 'head-and-tail';
  /** Whether an encoder decides together with a linear student that learned from the same labels. */
  readonly ensemble: boolean;
  /** Documents of the source that nobody labelled and that are learned from all the same; null: none. */
  readonly pseudoLabels: PseudoLabelSettings | null;
  readonly fineTuning: FineTuningSettings;
}

/** Learning from documents under the labels that a first student is confident of (Lee 2013, "Pseudo-Label"). */
export interface PseudoLabelSettings {
  /** Unlabelled documents that are looked at, drawn uniformly from the source. */
  readonly documents: number;
  /** Least calibrated probability of a label that is learned from, in (0, 1). */
  readonly confidence: number;
}

/** What of the fine-tuning is other in the second stage (Csanády et al. 2024, section 3.3: "combined"). */
export interface GoldStageSettings {
  readonly epochs: number;
  /** null: half of the first stage's. */
  readonly learningRate: number | null;
}

/** How an encoder is fine-tuned. */
export interface FineTuningSettings {
  readonly epochs: number;
  /** Texts per update. */
  readonly batchSize: number;
  /** null: 5e-5 for pretrained weights, 1e-3 for fresh ones. */
  readonly learningRate: number | null;
  /** What a text's vector is: its first token's, or the mean of all. */
  readonly pooling: 'first' | 'mean';
  /** What a layer's learning rate is of the one above it, in (0, 1]. */
  readonly layerDecay: number;
  readonly weightDecay: number;
  /** Share of the updates over which the learning rate rises. */
  readonly warmup: number;
  /** Share of a label that is spread over all labels, in [0, 1). */
  readonly labelSmoothing: number;
  /** q of the generalized cross entropy, in (0, 1]: wrong labels pull less; null: cross entropy. */
  readonly noiseRobustness: number | null;
  /** Epochs without a better held-out loss after which training ends. */
  readonly patience: number;
  /** A second training, on people's labels alone, after one on the teacher's; null: one training on all of them. */
  readonly goldStage: GoldStageSettings | null;
}

/** What a task that says nothing of its student gets: the best student without an encoder. */
export const defaultStudentSettings: StudentSettings = {
  model: 'auto',
  encoder: null,
  minutes: 30,
  seed: 1,
  classWeights: 'none',
  likelyWrong: 'keep',
  maxTokens: 256,
  truncation: 'head',
  ensemble: true,
  pseudoLabels: null,
  fineTuning: {
    epochs: 3,
    batchSize: 16,
    learningRate: null,
    pooling: 'mean',
    layerDecay: 1,
    weightDecay: 0.01,
    warmup: 0.1,
    labelSmoothing: 0,
    noiseRobustness: null,
    patience: 2,
    goldStage: null,
  },
};

export interface RoutingSettings {
  /** Share of wrong labels that is tolerable among those labelled automatically. */
  readonly targetError: number;
  /** Confidence with which `targetError` must be shown to hold. */
  readonly confidence: number;
}

export interface TaskSettings {
  readonly teacher: TeacherSettings;
  readonly budget: BudgetSettings;
  readonly sampling: SamplingSettings;
  readonly student: StudentSettings;
  readonly routing: RoutingSettings;
}

/** Where a task's documents come from and its predictions go. */
export interface TaskTopics {
  readonly source: string;
  readonly predictions: string;
}

export interface Task {
  readonly name: string;
  readonly spec: LabellingSpec;
  readonly settings: TaskSettings;
  readonly topics: TaskTopics;
}

/** The hash of what is asked: annotations, models and gold of equal hashes may be mixed. */
export function labellingSpecHash(spec: LabellingSpec): string {
  return digestOf('labelling-spec.v1', canonicalJson(spec));
}

/** The hash of how it is done: may change within a task's life without making annotations worthless. */
export function settingsHash(settings: TaskSettings): string {
  return digestOf('settings.v1', canonicalJson(settings));
}

export function labelSetOf(spec: LabellingSpec): LabelSet {
  return { kind: spec.kind, names: spec.labels.map((label) => label.name) };
}
