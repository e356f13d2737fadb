import type { EncoderConfig, EncoderFamily } from './config.ts';

/**
 * An encoder's parameters by their canonical names: those of Hugging Face's BERT without a prefix. Matrices are [out, in] as there,
 * tables [rows, hiddenSize], in row-major order.
 */
export type EncoderWeights = ReadonlyMap<string, Float32Array>;

/** Reads weights anew, all or the named ones: the arrays are the caller's alone, so that who trains them has them in memory once. */
export type ReadWeights = (names?: readonly string[]) => Promise<Map<string, Float32Array>>;

export const wordTable = 'embeddings.word_embeddings.weight';
export const positionTable = 'embeddings.position_embeddings.weight';
export const typeTable = 'embeddings.token_type_embeddings.weight';
/** The linear layer on top: [labels, hiddenSize] and [labels]. */
export const headWeight = 'classifier.weight';
export const headBias = 'classifier.bias';

/** Weights whose rows are gathered outside a graph that has its weights as inputs, so that no table of the vocabulary's size passes through the graph at each run. */
export const gatheredTables: readonly string[] = [wordTable, positionTable];

/** The canonical name and shape of every parameter, in the order in which they are read, written and initialised. */
export function encoderWeightShapes(config: EncoderConfig): ReadonlyMap<string, readonly number[]> {
  const { hiddenSize: hidden, intermediateSize: intermediate } = config;
  const shapes = new Map<string, readonly number[]>();
  const addDense = (name: string, outputs: number, inputs: number): void => {
    shapes.set(`${name}.weight`, [outputs, inputs]).set(`${name}.bias`, [outputs]);
  };
  const addNorm = (name: string): void => {
    shapes.set(`${name}.weight`, [hidden]).set(`${name}.bias`, [hidden]);
  };
  shapes.set(wordTable, [config.vocabularySize, hidden]);
  shapes.set(positionTable, [config.positions, hidden]);
  if (config.tokenTypes > 0) shapes.set(typeTable, [config.tokenTypes, hidden]);
  addNorm('embeddings.LayerNorm');
  for (let layer = 0; layer < config.layers; layer++) {
    const at = `encoder.layer.${layer}`;
    for (const projection of ['query', 'key', 'value']) addDense(`${at}.attention.self.${projection}`, hidden, hidden);
    addDense(`${at}.attention.output.dense`, hidden, hidden);
    addNorm(`${at}.attention.output.LayerNorm`);
    addDense(`${at}.intermediate.dense`, intermediate, hidden);
    addDense(`${at}.output.dense`, hidden, intermediate);
    addNorm(`${at}.output.LayerNorm`);
  }
  return shapes;
}

/** Shapes of the encoder's weights and the head's, by their canonical names. */
export function classifierShapes(config: EncoderConfig, labels: number): ReadonlyMap<string, readonly number[]> {
  return new Map([...encoderWeightShapes(config), [headWeight, [labels, config.hiddenSize]], [headBias, [labels]]]);
}

/** What a checkpoint's names begin with where it holds a head beside the encoder. */
const prefixes: Readonly<Record<EncoderFamily, string>> = {
  bert: 'bert.',
  roberta: 'roberta.',
  'xlm-roberta': 'roberta.',
  distilbert: 'distilbert.',
};

/** DistilBERT's words for the parts of a layer. */
const distilbertParts: Readonly<Record<string, string>> = {
  'attention.self.query': 'attention.q_lin',
  'attention.self.key': 'attention.k_lin',
  'attention.self.value': 'attention.v_lin',
  'attention.output.dense': 'attention.out_lin',
  'attention.output.LayerNorm': 'sa_layer_norm',
  'intermediate.dense': 'ffn.lin1',
  'output.dense': 'ffn.lin2',
  'output.LayerNorm': 'output_layer_norm',
};

/** From a canonical name to the name in a checkpoint of `family`, without prefix. */
export function checkpointNames(family: EncoderFamily): (canonical: string) => string {
  if (family !== 'distilbert') return (canonical) => canonical;
  return (canonical) => {
    const [, layer, part, kind] = /^encoder\.layer\.(\d+)\.(.+)\.(weight|bias)$/.exec(canonical) ?? [];
    return part === undefined ? canonical : `transformer.layer.${layer}.${distilbertParts[part]}.${kind}`;
  };
}

/**
 * From a canonical name to the name that a checkpoint with these tensors has for it, or to the name that it should have where
 * it has none: with the family's prefix or without, and with the `gamma` and `beta` of checkpoints that came from TensorFlow.
 */
export function checkpointNamesAmong(family: EncoderFamily, present: { has(name: string): boolean }): (canonical: string) => string {
  const inFamily = checkpointNames(family);
  // One prefix for all: parts of two encoders are never mixed.
  const prefix = [prefixes[family], ''].find((own) => present.has(`${own}${wordTable}`)) ?? '';
  return (canonical) => {
    const name = `${prefix}${inFamily(canonical)}`;
    const old = name.replace(/LayerNorm\.weight$/, 'LayerNorm.gamma').replace(/LayerNorm\.bias$/, 'LayerNorm.beta');
    return !present.has(name) && present.has(old) ? old : name;
  };
}
