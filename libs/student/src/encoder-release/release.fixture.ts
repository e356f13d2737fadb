import { readFileSync } from 'node:fs';
import type { EncoderConfig, EncoderFamily } from '../encoder/config.ts';
import type { Pooling } from '../encoder/graph.ts';
import { readTokenizer } from '../encoder/tokenizer.ts';
import type { TrainedEncoder } from '../encoder/trained.ts';
import { classifierShapes } from '../encoder/weights.ts';
import { normalNumbers } from '../random.ts';

// For tests only.

export const labels = 3;
const tokenizers: Readonly<Record<EncoderFamily, string>> = {
  bert: 'bert-cased',
  distilbert: 'bert-cased',
  roberta: 'roberta',
  'xlm-roberta': 'xlm-roberta',
};

/** A small encoder with weights as large as trained ones, so that every part of it shows in the logits. */
export function tinyRelease(family: EncoderFamily, pooling: Pooling, pairs: boolean): TrainedEncoder {
  const tokenizerJson = readFileSync(new URL(`../../fixtures/tokenizers/${tokenizers[family]}.json`, import.meta.url), 'utf8');
  const { vocabularySize, padTokenId } = readTokenizer(tokenizerJson, family);
  const isRoberta = family.endsWith('roberta');
  const config: EncoderConfig = {
    family,
    vocabularySize,
    hiddenSize: 32,
    layers: 2,
    heads: 4,
    intermediateSize: 64,
    positions: 112,
    firstPosition: isRoberta ? padTokenId + 1 : 0,
    tokenTypes: { bert: 2, distilbert: 0, roberta: 1, 'xlm-roberta': 1 }[family],
    layerNormEpsilon: 1e-12,
    padTokenId,
    dropout: { hidden: 0.1, attention: 0.1 },
  };
  const normal = normalNumbers(7);
  const weights = new Map<string, Float32Array>();
  for (const [name, shape] of classifierShapes(config, labels)) {
    const centre = name.endsWith('LayerNorm.weight') ? 1 : 0;
    const count = shape.reduce((product, size) => product * size, 1);
    weights.set(
      name,
      Float32Array.from({ length: count }, () => centre + 0.2 * normal()),
    );
  }
  return { config, pooling, pairs, weights, tokenizerJson, maxTokens: 90, truncation: 'head' };
}
