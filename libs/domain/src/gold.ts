import type { Document } from './document.ts';
import { hashFraction } from './identity.ts';

/** How the documents of a gold file were chosen: `uniform`ly at random from the source, or `chosen` for a reason. */
export type GoldDraw = 'uniform' | 'chosen';

export type GoldRole = 'train' | 'certify';

/** A person's label for a document. */
export interface Gold {
  readonly task: string;
  readonly document: Document;
  readonly labels: readonly string[];
  readonly draw: GoldDraw;
}

/** Share of uniformly drawn gold that certifies; the rest trains. */
const certifyShare = 0.5;

/**
 * The role of a gold document, fixed for the task's life by a hash of the document id, so that no document that certifies was ever
 * trained on. Only documents drawn uniformly may certify.
 */
export function goldRole(task: string, documentId: string, draw: GoldDraw): GoldRole {
  return draw === 'uniform' && hashFraction(`gold-role.v1:${task}`, documentId) < certifyShare ? 'certify' : 'train';
}
