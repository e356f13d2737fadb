import type { DocumentBlock } from './document-block.ts';

/** What a request asks for: one label or any number of them, and which; null where it gave no schema that says so. */
export interface Question {
  readonly kind: 'single' | 'multi' | null;
  readonly labels: readonly string[] | null;
}

/**
 * What the stand-in thinks. `probabilities` covers every label of the question: they sum to 1 for one label, each stands alone for
 * several. `unusable`: it has no label to give for this text.
 */
export type Judgement =
  | { readonly kind: 'single' | 'multi'; readonly labels: readonly string[]; readonly probabilities: ReadonlyMap<string, number> }
  | { readonly kind: 'unusable' };

/** What stands in for the language model. */
export interface Annotator {
  /** Named in every answer as `standin-<mode>`. */
  readonly mode: string;
  /**
   * @param inOtherWords whether the text was asked about before in other words: a second opinion is wanted
   * @throws ApiError where it can not answer that question
   */
  judge(document: DocumentBlock, question: Question, inOtherWords?: boolean): Judgement;
}
