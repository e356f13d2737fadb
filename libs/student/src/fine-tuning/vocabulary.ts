import type { TokenizedText } from '../encoder/tokenizer.ts';

/** The part of the vocabulary that some texts use, numbered anew from 0. */
export interface UsedVocabulary {
  /** The tokens in use by their numbers in the model, ascending, the padding token among them. */
  readonly ids: Int32Array;
  /** The texts with the new numbers. */
  renumber(texts: readonly TokenizedText[]): TokenizedText[];
  /** The rows of a table [vocabulary, width] that are in use → [used, width]. */
  gather(table: Float32Array, width: number): Float32Array;
  /** Puts the used rows back into the table, which is returned. */
  scatter(rows: Float32Array, table: Float32Array, width: number): Float32Array;
}

/**
 * Training only ever changes the embeddings of tokens that its texts contain: with a table of those alone, gradients and moments need
 * memory for thousands of rows and not for XLM-R's 250,000. All other rows stay as they were (they are not even decayed).
 */
export function usedVocabulary(texts: readonly TokenizedText[], padTokenId: number): UsedVocabulary {
  const used = new Set([padTokenId]);
  for (const { ids } of texts) for (const id of ids) used.add(id);
  const ids = Int32Array.from(used).sort();
  const numbers = new Map<number, number>();
  for (const [number, id] of ids.entries()) numbers.set(id, number);
  const row = (table: Float32Array, at: number, width: number) => table.subarray(at * width, (at + 1) * width);
  return {
    ids,
    renumber: (chosen) => chosen.map((text) => ({ ...text, ids: text.ids.map((id) => numbers.get(id)!) })),
    gather(table, width) {
      const rows = new Float32Array(ids.length * width);
      for (const [number, id] of ids.entries()) rows.set(row(table, id, width), number * width);
      return rows;
    },
    scatter(rows, table, width) {
      for (const [number, id] of ids.entries()) table.set(row(rows, number, width), id * width);
      return table;
    },
  };
}
