import { defaultStudentSettings, type StudentSettings } from '@llambert/domain';
import { type EncoderConfig, initialWeights, type PretrainedEncoder } from '@llambert/student';

export type Size = 'minilm' | 'bert-base';

const sizes: Readonly<Record<Size, Pick<EncoderConfig, 'hiddenSize' | 'layers' | 'heads' | 'intermediateSize'>>> = {
  minilm: { hiddenSize: 384, layers: 6, heads: 12, intermediateSize: 1536 },
  'bert-base': { hiddenSize: 768, layers: 12, heads: 12, intermediateSize: 3072 },
};

/** An encoder of that size with fresh weights, whose tokenizer makes up texts of so many tokens. */
export function encoderOf(size: Size, tokens: number): PretrainedEncoder {
  const config: EncoderConfig = {
    family: 'bert',
    vocabularySize: 30_522,
    ...sizes[size],
    positions: 512,
    firstPosition: 0,
    tokenTypes: 2,
    layerNormEpsilon: 1e-12,
    padTokenId: 0,
    dropout: { hidden: 0.1, attention: 0.1 },
  };
  let next = 1;
  const anId = () => {
    next = (next * 48_271) % 2_147_483_647;
    return 1000 + (next % 29_000);
  };
  return {
    config,
    readWeights: async (names) => initialWeights(config, 1, names),
    tokenizer: {
      vocabularySize: config.vocabularySize,
      padTokenId: 0,
      tokenize: async (documents) =>
        documents.map(() => ({ ids: Int32Array.from({ length: tokens }, anId), types: new Int32Array(tokens), truncated: false })),
    },
    tokenizerJson: '',
    licence: null,
    isPretrained: true,
  };
}

/** One epoch over the rows. */
export function aStudent(pooling: 'first' | 'mean', batchSize: number, maxTokens: number): StudentSettings {
  return {
    ...defaultStudentSettings,
    model: 'fine-tuned',
    encoder: 'made up',
    maxTokens,
    fineTuning: { ...defaultStudentSettings.fineTuning, epochs: 1, batchSize, pooling },
  };
}
