import type { EncoderConfig } from './config.ts';
import type { Pooling } from './graph.ts';
import type { TruncationOptions } from './tokenizer.ts';
import type { EncoderWeights } from './weights.ts';

/** What a graph needs to know of a classifier, beside its weights. */
export interface ClassifierForm {
  readonly config: EncoderConfig;
  readonly pooling: Pooling;
  /** Whether texts come in pairs, told apart by token types. Where they do not, every token is of type 0. */
  readonly pairs: boolean;
}

/** A frozen or fine-tuned encoder with its head: all that labelling with it takes. */
export interface TrainedEncoder extends ClassifierForm, TruncationOptions {
  /** The encoder's and the head's, by their canonical names. All numbers must be finite. */
  readonly weights: EncoderWeights;
  /** The text of the checkpoint's tokenizer.json. */
  readonly tokenizerJson: string;
}
