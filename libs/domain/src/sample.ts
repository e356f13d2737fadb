import type { Document } from './document.ts';
import { digestOf } from './identity.ts';

/** A document drawn for annotation. */
export interface Sample {
  readonly id: string;
  readonly task: string;
  readonly round: number;
  readonly document: Document;
  readonly strategy: 'uniform' | 'stratified';
  /** Why this document, for people: its stratum, say. */
  readonly reason: string;
  /** Probability with which the draw would have taken this document of the source; null where the strategy defines none. */
  readonly inclusionProbability: number | null;
}

/** A document is drawn at most once in a task's life, so task and document name its sample. */
export function sampleId(task: string, documentId: string): string {
  return digestOf('sample.v1', task, documentId).slice(0, 32);
}
