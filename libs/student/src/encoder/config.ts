import { LlambertError } from '@llambert/domain';

export type EncoderFamily = 'bert' | 'roberta' | 'xlm-roberta' | 'distilbert';

/**
 * What an encoder is made of: all that the graph, the tokens and the weights must agree on. One shape for the whole family of
 * post-norm encoders of Devlin et al. 2019 (arXiv 1810.04805): RoBERTa (Liu et al. 2019) numbers its positions differently,
 * DistilBERT (Sanh et al. 2019) has no token types, MiniLM (Wang et al. 2020) is a narrow BERT.
 */
export interface EncoderConfig {
  readonly family: EncoderFamily;
  /** Rows of the table of word embeddings. */
  readonly vocabularySize: number;
  /** Width of a token's vector between layers. */
  readonly hiddenSize: number;
  readonly layers: number;
  /** Attention heads; each is `hiddenSize / heads` wide. */
  readonly heads: number;
  /** Width inside the feed-forward part. */
  readonly intermediateSize: number;
  /** Rows of the table of position embeddings. */
  readonly positions: number;
  /** Row of a text's first token in that table: 0, in the RoBERTa family `padTokenId + 1`. */
  readonly firstPosition: number;
  /** Rows of the table of token types; 0 where there is no such table. */
  readonly tokenTypes: number;
  readonly layerNormEpsilon: number;
  readonly padTokenId: number;
  /** Probabilities that an element is dropped in training: after each block and the embeddings, and of the attention weights. */
  readonly dropout: { readonly hidden: number; readonly attention: number };
}

/** The most tokens of one text, special ones included. */
export function maxTokens(config: EncoderConfig): number {
  return config.positions - config.firstPosition;
}

/** What a family's config.json calls things, and what transformers takes where it says nothing. */
interface Keys {
  readonly hiddenSize: string;
  readonly layers: string;
  readonly heads: string;
  readonly intermediateSize: string;
  readonly activation: string;
  readonly hiddenDropout: string;
  readonly attentionDropout: string;
  readonly padTokenId: number;
  readonly hasTokenTypes: boolean;
  readonly positionsFollowPadding: boolean;
}

const bertKeys: Keys = {
  hiddenSize: 'hidden_size',
  layers: 'num_hidden_layers',
  heads: 'num_attention_heads',
  intermediateSize: 'intermediate_size',
  activation: 'hidden_act',
  hiddenDropout: 'hidden_dropout_prob',
  attentionDropout: 'attention_probs_dropout_prob',
  padTokenId: 0,
  hasTokenTypes: true,
  positionsFollowPadding: false,
};

const robertaKeys: Keys = { ...bertKeys, padTokenId: 1, positionsFollowPadding: true };

const keysOf: Readonly<Record<EncoderFamily, Keys>> = {
  bert: bertKeys,
  roberta: robertaKeys,
  'xlm-roberta': robertaKeys,
  distilbert: {
    hiddenSize: 'dim',
    layers: 'n_layers',
    heads: 'n_heads',
    intermediateSize: 'hidden_dim',
    activation: 'activation',
    hiddenDropout: 'dropout',
    attentionDropout: 'attention_dropout',
    padTokenId: 0,
    hasTokenTypes: false,
    positionsFollowPadding: false,
  },
};

const families = Object.keys(keysOf).join(', ');

/** Names of the exact GELU (by erf) in config.json; "gelu_new" and its like are approximations with other outputs. */
const exactGelu: readonly unknown[] = ['gelu', 'gelu_python'];

/** Beyond these a config is a mistake, and would have us list names or count elements without end. */
const mostLayers = 1024;
const largestSize = 2 ** 31 - 1;

/**
 * Reads a Hugging Face config.json. Throws `invalid_input`, naming `source`, the key, and what is accepted, where it describes
 * something else than a plain encoder that we run exactly, or contradicts itself.
 * @param json the parsed file
 * @param source its path, for messages
 */
export function parseEncoderConfig(json: unknown, source: string): EncoderConfig {
  const fail = (problem: string): never => {
    throw new LlambertError('invalid_input', `${source} describes no encoder that can be trained here: ${problem}`, {
      facts: { file: source },
    });
  };
  if (json === null || typeof json !== 'object' || Array.isArray(json)) return fail('it is not a JSON object');
  const entries = json as Readonly<Record<string, unknown>>;
  /** null counts as missing, as in transformers. */
  const stated = (key: string): unknown => (Object.hasOwn(entries, key) ? (entries[key] ?? undefined) : undefined);
  const shown = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, 60);

  const type = stated('model_type');
  if (typeof type !== 'string') return fail(`"model_type" is ${type === undefined ? 'missing' : shown(type)}; supported are ${families}`);
  if (!Object.hasOwn(keysOf, type)) return fail(`model_type ${shown(type)} is not supported; supported are ${families}`);
  const family = type as EncoderFamily;
  const keys = keysOf[family];

  /** A whole number from `least` to `most`; without a default it must be there. */
  const whole = (key: string, least: number, most: number, byDefault?: number): number => {
    const value = stated(key) ?? byDefault;
    if (value === undefined) return fail(`"${key}" is missing`);
    if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
      return fail(`"${key}" is ${shown(value)}, and must be a whole number from ${least} to ${most}`);
    }
    return value;
  };
  const number = (key: string, accepts: (value: number) => boolean, wanted: string, byDefault: number): number => {
    const value = stated(key) ?? byDefault;
    if (typeof value !== 'number' || !accepts(value)) return fail(`"${key}" is ${shown(value)}, and must be ${wanted}`);
    return value;
  };
  const probability = (key: string): number => number(key, (value) => value >= 0 && value < 1, 'a number from 0 to below 1', 0.1);

  const activation = stated(keys.activation) ?? 'gelu';
  if (!exactGelu.includes(activation)) {
    return fail(`"${keys.activation}" is ${shown(activation)}; accepted is "gelu" (the exact one, by erf; also written "gelu_python")`);
  }
  const positionType = stated('position_embedding_type') ?? 'absolute';
  if (positionType !== 'absolute') return fail(`"position_embedding_type" is ${shown(positionType)}; accepted is "absolute"`);
  for (const key of ['is_decoder', 'add_cross_attention']) {
    const value = stated(key) ?? false;
    if (value !== false) return fail(`"${key}" is ${shown(value)}; only encoders are supported, so it must be false`);
  }

  const hiddenSize = whole(keys.hiddenSize, 1, largestSize);
  const heads = whole(keys.heads, 1, largestSize);
  if (hiddenSize % heads !== 0) return fail(`"${keys.hiddenSize}" (${hiddenSize}) must be a multiple of "${keys.heads}" (${heads})`);
  const vocabularySize = whole('vocab_size', 1, largestSize);
  const padTokenId = whole('pad_token_id', 0, vocabularySize - 1, keys.padTokenId);
  const firstPosition = keys.positionsFollowPadding ? padTokenId + 1 : 0;
  const positions = whole('max_position_embeddings', firstPosition + 1, largestSize);
  return {
    family,
    vocabularySize,
    hiddenSize,
    layers: whole(keys.layers, 1, mostLayers),
    heads,
    intermediateSize: whole(keys.intermediateSize, 1, largestSize),
    positions,
    firstPosition,
    tokenTypes: keys.hasTokenTypes ? whole('type_vocab_size', 1, largestSize, 2) : 0,
    layerNormEpsilon: keys.hasTokenTypes
      ? number('layer_norm_eps', (value) => value > 0 && value < 1, 'a number above 0 and below 1', 1e-12)
      : 1e-12,
    padTokenId,
    dropout: { hidden: probability(keys.hiddenDropout), attention: probability(keys.attentionDropout) },
  };
}

/**
 * The config.json that describes an encoder to Hugging Face's transformers, and to `parseEncoderConfig`. A DistilBERT's epsilon is always
 * the 1e-12 that transformers takes.
 */
export function encoderConfigJson(config: EncoderConfig): Record<string, unknown> {
  const keys = keysOf[config.family];
  return {
    model_type: config.family,
    vocab_size: config.vocabularySize,
    [keys.hiddenSize]: config.hiddenSize,
    [keys.layers]: config.layers,
    [keys.heads]: config.heads,
    [keys.intermediateSize]: config.intermediateSize,
    [keys.activation]: 'gelu',
    [keys.hiddenDropout]: config.dropout.hidden,
    [keys.attentionDropout]: config.dropout.attention,
    max_position_embeddings: config.positions,
    pad_token_id: config.padTokenId,
    ...(keys.hasTokenTypes ? { type_vocab_size: config.tokenTypes, layer_norm_eps: config.layerNormEpsilon } : {}),
  };
}
