import { LlambertError } from '@llambert/domain';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maxTokens, parseEncoderConfig } from './config.ts';
import { scratchConfig } from './scratch.ts';
import { encoderWeightShapes } from './weights.ts';

const bert = {
  model_type: 'bert',
  vocab_size: 30522,
  hidden_size: 384,
  num_hidden_layers: 6,
  num_attention_heads: 12,
  intermediate_size: 1536,
  max_position_embeddings: 512,
};
const roberta = {
  ...bert,
  model_type: 'roberta',
  vocab_size: 50265,
  max_position_embeddings: 514,
  type_vocab_size: 1,
  layer_norm_eps: 1e-5,
};
const distilbert = {
  model_type: 'distilbert',
  vocab_size: 30522,
  dim: 768,
  n_layers: 6,
  n_heads: 12,
  hidden_dim: 3072,
  max_position_embeddings: 512,
  dropout: 0.2,
  attention_dropout: 0.05,
};

describe('a config.json', () => {
  it("of BERT is read, with transformers' defaults for what it leaves out", () => {
    expect(parseEncoderConfig(bert, 'config.json')).toEqual({
      family: 'bert',
      vocabularySize: 30522,
      hiddenSize: 384,
      layers: 6,
      heads: 12,
      intermediateSize: 1536,
      positions: 512,
      firstPosition: 0,
      tokenTypes: 2,
      layerNormEpsilon: 1e-12,
      padTokenId: 0,
      dropout: { hidden: 0.1, attention: 0.1 },
    });
  });

  it('of the RoBERTa family counts positions from behind the padding', () => {
    const config = parseEncoderConfig(roberta, 'config.json');
    expect(config).toMatchObject({ padTokenId: 1, firstPosition: 2, tokenTypes: 1, layerNormEpsilon: 1e-5 });
    expect(maxTokens(config)).toBe(512);
    expect(parseEncoderConfig({ ...roberta, model_type: 'xlm-roberta', pad_token_id: 5 }, 'config.json').firstPosition).toBe(6);
  });

  it('of DistilBERT has names of its own and no token types', () => {
    expect(parseEncoderConfig(distilbert, 'config.json')).toMatchObject({
      hiddenSize: 768,
      layers: 6,
      heads: 12,
      intermediateSize: 3072,
      tokenTypes: 0,
      dropout: { hidden: 0.2, attention: 0.05 },
    });
  });

  it('may say null, and what we do not need', () => {
    const config = {
      ...bert,
      pad_token_id: null,
      hidden_act: null,
      position_embedding_type: 'absolute',
      is_decoder: false,
      id2label: { 0: 'a' },
    };
    expect(parseEncoderConfig(config, 'config.json')).toEqual(parseEncoderConfig(bert, 'config.json'));
  });

  it.each<[string, unknown, RegExp]>([
    ['no object', [bert], /not a JSON object/],
    ['null', null, /not a JSON object/],
    ['no type', { ...bert, model_type: undefined }, /"model_type" is missing; supported are bert, roberta, xlm-roberta, distilbert/],
    ['another type', { ...bert, model_type: 'deberta-v2' }, /"deberta-v2" is not supported; supported are bert, roberta/],
    ["a type of the prototype's", { ...bert, model_type: 'toString' }, /not supported/],
    ['another activation', { ...bert, hidden_act: 'relu' }, /"hidden_act" is "relu"; accepted is "gelu"/],
    ['the approximate activation', { ...distilbert, activation: 'gelu_new' }, /"activation" is "gelu_new"; accepted/],
    ['relative positions', { ...bert, position_embedding_type: 'relative_key' }, /accepted is "absolute"/],
    ['a decoder', { ...bert, is_decoder: true }, /"is_decoder" is true; only encoders/],
    ['cross-attention', { ...bert, add_cross_attention: true }, /"add_cross_attention"/],
    [
      'heads that do not divide',
      { ...bert, num_attention_heads: 7 },
      /"hidden_size" \(384\) must be a multiple of "num_attention_heads" \(7\)/,
    ],
    ['a fraction', { ...bert, num_hidden_layers: 1.5 }, /"num_hidden_layers" is 1.5, and must be a whole number/],
    ['a text', { ...bert, hidden_size: '384' }, /"hidden_size" is "384"/],
    ['no layers', { ...bert, num_hidden_layers: 0 }, /from 1 to 1024/],
    ['endless layers', { ...bert, num_hidden_layers: 1e9 }, /from 1 to 1024/],
    ['a missing size', { ...bert, intermediate_size: undefined }, /"intermediate_size" is missing/],
    ["another family's names", { ...bert, model_type: 'distilbert' }, /"dim" is missing/],
    ['padding outside the vocabulary', { ...bert, pad_token_id: 30522 }, /"pad_token_id" is 30522/],
    ['no row left for a position', { ...roberta, max_position_embeddings: 2 }, /"max_position_embeddings" is 2/],
    ['a certain dropout', { ...bert, hidden_dropout_prob: 1 }, /"hidden_dropout_prob" is 1, and must be a number from 0/],
    ['an epsilon of zero', { ...bert, layer_norm_eps: 0 }, /"layer_norm_eps" is 0/],
  ])('with %s is refused', (_, json, message) => {
    expect(() => parseEncoderConfig(json, 'dir/config.json')).toThrow(
      expect.objectContaining({ code: 'invalid_input', message: expect.stringMatching(message) }),
    );
    expect(() => parseEncoderConfig(json, 'dir/config.json')).toThrow(/^dir\/config\.json describes no encoder/);
  });

  it('of any content is read into sizes one can use, or refused', () => {
    const value = fc.oneof(fc.jsonValue(), fc.integer({ min: -2, max: 5000 }), fc.double());
    const keys = [...new Set([bert, roberta, distilbert].flatMap(Object.keys)), 'pad_token_id', 'hidden_act', 'activation', 'is_decoder'];
    const changed = fc
      .tuple(fc.constantFrom(bert, roberta, distilbert), fc.dictionary(fc.constantFrom(...keys), value, { maxKeys: 3 }))
      .map(([base, changes]) => ({ ...base, ...changes }));
    fc.assert(
      fc.property(fc.oneof(changed, fc.jsonValue()), (json) => {
        try {
          const config = parseEncoderConfig(json, 'config.json');
          expect(config.hiddenSize % config.heads).toBe(0);
          expect(maxTokens(config)).toBeGreaterThan(0);
          expect(encoderWeightShapes(config).size).toBeGreaterThan(16 * config.layers);
        } catch (error) {
          if (!(error instanceof LlambertError)) throw error;
          expect(error.code).toBe('invalid_input');
        }
      }),
      { numRuns: 2000 },
    );
  });
});

it('scratch:small is a config that its own reader would take', () => {
  const { hiddenSize, heads, layers } = scratchConfig(8000);
  expect(hiddenSize % heads).toBe(0);
  expect(layers).toBe(4);
  expect(maxTokens(scratchConfig(8000))).toBe(256);
});
