import { floatsOf, openSession, type SessionSettings } from '../onnx/session.ts';
import { type EncoderShape, embeddingGraph, evaluationGraph } from './forward-graph.ts';
import { microBatch, microBatches, weightFeeds } from './micro-batch.ts';
import type { TokenizedText } from './tokenizer.ts';
import type { EncoderWeights } from './weights.ts';

/** Reads texts with an encoder whose weights may change between calls. */
export interface Reader {
  /** One row for each text, row by row. `onRun` hears after each run how many texts and tokens it had. */
  read(texts: readonly Text[], weights: EncoderWeights, onRun?: (texts: number, tokens: number) => void): Promise<Float32Array>;
  /** Gives its memory back, which the garbage collector does not see. */
  close(): Promise<void>;
}

interface Text {
  readonly tokens: TokenizedText;
}

/** Tokens with padding in a run of the forward pass: what it is fastest with, on short texts and long ones. */
export const readingTokens = 512;

interface ReadingSettings extends SessionSettings {
  readonly microBatchTokens: number;
}

/** Logits of texts, [texts, labels], in batches of like length of at most `microBatchTokens` tokens with padding. */
export function scorer(shape: EncoderShape, settings: ReadingSettings): Promise<Reader> {
  return reader(evaluationGraph(shape), 'logits', shape, settings);
}

/** Vectors of texts, [texts, hidden], in batches as the `scorer` makes them. */
export function embedder(shape: EncoderShape, settings: ReadingSettings): Promise<Reader> {
  return reader(embeddingGraph(shape), 'embeddings', shape, settings);
}

/** Reads one row of `output` for every text. */
async function reader(model: Uint8Array, output: string, shape: EncoderShape, settings: ReadingSettings): Promise<Reader> {
  const session = await openSession(model, settings);
  const read: Reader['read'] = async (texts, weights, onRun) => {
    const lengths = texts.map(({ tokens }) => tokens.ids.length);
    const byLength = [...texts.keys()].sort((left, right) => lengths[left]! - lengths[right]!);
    const parameters = weightFeeds(shape, weights);
    let found = new Float32Array(0);
    for (const part of microBatches(byLength, lengths, settings.microBatchTokens)) {
      const batch = microBatch(
        part.map((row) => texts[row]!),
        shape,
        weights,
      );
      const outputs = await session.run({ ...parameters, ...batch.feeds });
      const rows = floatsOf(outputs[output]!);
      const width = rows.length / part.length;
      if (found.length === 0) found = new Float32Array(texts.length * width);
      for (const [from, row] of part.entries()) found.set(rows.subarray(from * width, (from + 1) * width), row * width);
      onRun?.(
        part.length,
        part.reduce((sum, row) => sum + lengths[row]!, 0),
      );
    }
    return found;
  };
  return { read, close: () => session.release() };
}
