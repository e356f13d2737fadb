import { LlambertError } from '@llambert/domain';
import { mergeParts, withoutSpecialNames } from './harmless-specials.ts';
import { type SequenceTemplate, sequenceTemplate } from './sequence-template.ts';

export interface TokenizerFile {
  /** Highest token id + 1: the rows that the model's embedding table must have at least. */
  readonly vocabularySize: number;
  readonly padTokenId: number;
  readonly template: SequenceTemplate;
  /** Longest word, in characters, that WordPiece splits; 0 for other kinds, which split any. */
  readonly longestWord: number;
  /** The same tokenizer for the `tokenizers` package: without truncation, padding and dropout, and deaf to special tokens in texts. */
  readonly harmlessJson: string;
  /** The names of the added tokens in it. */
  readonly addedTokens: readonly string[];
}

type JsonObject = Record<string, unknown>;
type Complaint = (what: string, cause?: unknown) => LlambertError;

const modelKinds = ['WordPiece', 'BPE', 'Unigram'];
const padNames = ['[PAD]', '<pad>'];

const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);
const isId = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 31;

/**
 * Reads a `tokenizer.json` of the Hugging Face format. A truncation or a padding in it is a setting of whoever saved it and is left out.
 *
 * @param where the file's name, for messages
 * @throws LlambertError `corrupt_artifact` (not JSON, not this format), `invalid_input` (a kind or a shape that an encoder cannot use)
 */
export function parseTokenizerFile(json: string, where: string): TokenizerFile {
  const facts = { file: where };
  const corrupt: Complaint = (what, cause) =>
    new LlambertError('corrupt_artifact', `${where}: ${what}. Download or export the tokenizer again`, { facts, cause });
  const unusable: Complaint = (message) => new LlambertError('invalid_input', `${where}: ${message}`, { facts });

  const file = parsed(json, corrupt);
  const model = file['model'];
  if (!isObject(model)) throw corrupt('there is no "model" in it, so it is no tokenizer');
  const kind = kindOf(model);
  if (!modelKinds.includes(kind)) {
    throw unusable(`the tokenizer's kind ${JSON.stringify(kind)} is not supported. Choose an encoder with ${modelKinds.join(', ')}`);
  }
  const vocabulary = new Map(vocabularyOf(model, kind, corrupt));
  const specials = new Set<string>();
  for (const [name, id, special] of addedTokensOf(file, corrupt)) {
    vocabulary.set(name, id);
    if (special) specials.add(name);
  }
  const unknown = model['unk_token'] ?? '[UNK]';
  if (kind === 'WordPiece' && !vocabulary.has(String(unknown)))
    throw corrupt(`its vocabulary lacks ${unknown}, the token for unknown words`);
  checkMerges(model, corrupt);
  const template = sequenceTemplate(file['post_processor']);
  if (!template) {
    throw unusable(
      'it does not put [CLS] and [SEP] (or <s> and </s>) around texts and pairs, so it is not the tokenizer of a BERT or a RoBERTa. ' +
        'Save it from its encoder by transformers: AutoTokenizer.from_pretrained(…).save_pretrained(…)',
    );
  }
  for (const [name, id] of template.specials) {
    if (vocabulary.get(name) !== id) throw corrupt(`${name} is to be put as token ${id}, but its vocabulary does not have it there`);
    specials.add(name);
  }
  const padName = padNames.find((name) => vocabulary.has(name));
  if (padName === undefined) throw unusable(`it has no padding token. Add ${padNames.join(' or ')} to its vocabulary`);
  specials.add(padName);
  const harmless = { ...withoutSpecialNames(file, specials), truncation: null, padding: null };
  return {
    vocabularySize: 1 + vocabulary.values().reduce((highest, id) => Math.max(highest, id), 0),
    padTokenId: vocabulary.get(padName)!,
    template,
    longestWord: kind === 'WordPiece' ? longestWordOf(model, corrupt) : 0,
    harmlessJson: JSON.stringify(harmless),
    addedTokens: Array.from(addedTokensOf(harmless, corrupt), ([name]) => name),
  };
}

function parsed(json: string, corrupt: Complaint): JsonObject {
  let file: unknown;
  try {
    file = JSON.parse(json);
  } catch (error) {
    throw corrupt('it is not valid JSON', error);
  }
  if (!isObject(file)) throw corrupt('it is not a JSON object');
  return file;
}

/** Files of the format's first versions do not name the kind; the reference tells it by what is there, and so does this. */
function kindOf(model: JsonObject): string {
  if (model['type'] !== undefined) return String(model['type']);
  if (Array.isArray(model['vocab'])) return 'Unigram';
  return model['merges'] === undefined ? 'WordPiece' : 'BPE';
}

function* vocabularyOf(model: JsonObject, kind: string, corrupt: Complaint): Generator<[string, number]> {
  const { vocab } = model;
  if (kind === 'Unigram') {
    if (!Array.isArray(vocab)) throw corrupt('"model.vocab" is not a list of pieces');
    for (const [id, piece] of vocab.entries()) {
      if (!Array.isArray(piece) || typeof piece[0] !== 'string') throw corrupt(`piece ${id} of "model.vocab" is not a name and a score`);
      yield [piece[0], id];
    }
    return;
  }
  if (!isObject(vocab)) throw corrupt('"model.vocab" is not an object of tokens and ids');
  for (const [token, id] of Object.entries(vocab)) {
    if (!isId(id)) throw corrupt('"model.vocab" has a token whose id is not a whole number from 0');
    yield [token, id];
  }
}

function* addedTokensOf(file: JsonObject, corrupt: Complaint): Generator<[name: string, id: number, special: boolean]> {
  const tokens = file['added_tokens'] ?? [];
  if (!Array.isArray(tokens)) throw corrupt('"added_tokens" is not a list');
  for (const token of tokens) {
    if (!isObject(token) || typeof token['content'] !== 'string' || !isId(token['id']))
      throw corrupt('an added token lacks its content or id');
    yield [token['content'], token['id'], token['special'] === true];
  }
}

/** The native package cuts the prefix off blindly, and aborts the whole process where there is none. */
function checkMerges({ merges, continuing_subword_prefix: prefix }: JsonObject, corrupt: Complaint): void {
  if (!Array.isArray(merges) || typeof prefix !== 'string') return;
  for (const merge of merges) {
    const [, right] = mergeParts(merge);
    if (right !== undefined && !right.startsWith(prefix))
      throw corrupt('"model.merges" and "model.continuing_subword_prefix" contradict each other');
  }
}

function longestWordOf(model: JsonObject, corrupt: Complaint): number {
  const longest = model['max_input_chars_per_word'] ?? 100;
  if (!isId(longest)) throw corrupt('"model.max_input_chars_per_word" is not a whole number');
  return longest;
}
