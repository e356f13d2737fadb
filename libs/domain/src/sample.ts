import type { Document } from './document.ts';
import { digestOf } from './identity.ts';

/** A document drawn for annotation. */
export interface Sample {
  readonly id: string;
  readonly task: string;
  readonly round: number;
  readonly document: Document;
  /** `doubted`: not drawn, but asked about once more because its annotation is likely wrong. */
  readonly strategy: 'uniform' | 'stratified' | 'doubted';
  /** Why this document, for people: its stratum, say. */
  readonly reason: string;
  /** Probability with which the draw would have taken this document of the source; null where the strategy defines none. */
  readonly inclusionProbability: number | null;
}

/** A document is drawn at most once in a task's life, so task and document name its sample. */
export function sampleId(task: string, documentId: string): string {
  return digestOf('sample.v1', task, documentId).slice(0, 32);
}

/** A document is asked about a second time at most once, so task and document name that sample, too. */
export function secondSampleId(task: string, documentId: string): string {
  return digestOf('second-sample.v1', task, documentId).slice(0, 32);
}
