/** `auto`: confident enough to stand without a person; `review`: goes to a person. */
export type Route = 'auto' | 'review';

/** The student's label for one record of a pass's source. */
export interface Prediction {
  readonly task: string;
  readonly pass: string;
  readonly documentId: string;
  /** Label names: one for `single`, any number for `multi`. */
  readonly labels: readonly string[];
  /** Calibrated probability that `labels` is right, in [0, 1]. */
  readonly probability: number;
  /** Calibrated probability of each label, in the label set's order. */
  readonly probabilities: readonly number[];
  readonly route: Route;
  /** Whether the student read only part of the text. */
  readonly truncated: boolean;
  /** Digest of the model. */
  readonly model: string;
}

/** What came in and could not be used, with the reason; the record itself is kept as it was. */
export interface DeadLetter {
  /** Who refused it: the service's name. */
  readonly service: string;
  readonly reason: string;
  readonly message: string;
  /** Where it stood: topic, partition and offset, or file and line. */
  readonly position: string;
  readonly documentId: string | null;
  readonly record: Uint8Array;
}
