import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LlambertError } from '@llambert/domain';
import { Tokenizer } from 'tokenizers';
import { assemble, specialTokenCount } from './sequence-template.ts';
import { type CutTokens, encodeEnds, type WantedEnds } from './text-tokens.ts';
import { headAndTail, longestFirst } from './token-truncation.ts';
import { parseTokenizerFile } from './tokenizer-file.ts';

/** What the model reads: special tokens included, no padding. */
export interface TokenizedText {
  readonly ids: Int32Array;
  /** BERT's segment (token type) ids. */
  readonly types: Int32Array;
  /** Whether tokens were left out to keep to `maxTokens`. */
  readonly truncated: boolean;
}

export interface TokenizableText {
  readonly text: string;
  readonly textPair?: string;
}

export interface TruncationOptions {
  /** Tokens at most, the special ones among them. */
  readonly maxTokens: number;
  /** Which tokens of a too long text stay. A pair always keeps the heads of both, the longer one cut first. */
  readonly truncation: 'head' | 'head-and-tail';
}

export interface EncoderTokenizer {
  /** Highest token id + 1. */
  readonly vocabularySize: number;
  readonly padTokenId: number;
  /**
   * Tokenizes off the event loop, in order. Special tokens written in a text are text. Calls may overlap.
   *
   * @throws LlambertError `invalid_input` when `maxTokens` leaves no room for a text
   */
  tokenize(documents: readonly TokenizableText[], options: TruncationOptions): Promise<TokenizedText[]>;
}

/**
 * Reads a tokenizer from `tokenizer.json`, or from a checkpoint's folder that holds one.
 *
 * @throws LlambertError `not_found`, `corrupt_artifact`, or `invalid_input` for a kind of tokenizer that no encoder here can use
 */
export async function loadTokenizer(folderOrFile: string): Promise<EncoderTokenizer> {
  const { path, json } = await readTokenizerFile(folderOrFile);
  return readTokenizer(json, path);
}

/**
 * The text of a `tokenizer.json`, or of a checkpoint's folder that holds one, and where it lies.
 *
 * @throws LlambertError `not_found`
 */
export async function readTokenizerFile(folderOrFile: string): Promise<{ readonly path: string; readonly json: string }> {
  let path = folderOrFile;
  try {
    if ((await stat(path)).isDirectory()) path = join(path, 'tokenizer.json');
    return { path, json: await readFile(path, 'utf8') };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new LlambertError(
      'not_found',
      `${path}: there is no such file. A checkpoint that has only vocab.txt or a SentencePiece model gets its tokenizer.json from ` +
        'transformers: AutoTokenizer.from_pretrained(…, use_fast=True).save_pretrained(…)',
      { facts: { file: path }, cause: error },
    );
  }
}

/**
 * The tokenizer that the text of a `tokenizer.json` describes.
 *
 * @param where the file's name, for messages
 * @throws LlambertError as `loadTokenizer`
 */
export function readTokenizer(json: string, where: string): EncoderTokenizer {
  const { padTokenId, template, longestWord, ...file } = parseTokenizerFile(json, where);
  const tokenizer = nativeTokenizer(file.harmlessJson, where);
  // The native package numbers an added token itself, whatever id the file gives it, unless the model's vocabulary has it.
  const highest = (size: number, name: string) => Math.max(size, 1 + (tokenizer.tokenToId(name) ?? 0));
  const vocabularySize = file.addedTokens.reduce(highest, file.vocabularySize);
  const specials = { single: specialTokenCount(template.single), pair: specialTokenCount(template.pair) };

  /** What of each text is needed at most: both ends of a single text, the start of each text of a pair. */
  const wantedOf = ({ text, textPair }: TokenizableText, { maxTokens, truncation }: TruncationOptions): WantedEnds[] => {
    const room = maxTokens - (textPair === undefined ? specials.single : specials.pair);
    if (textPair !== undefined) return [text, textPair].map((own) => ({ text: own, head: room, tail: 0 }));
    return [{ text, ...(truncation === 'head' ? { head: room, tail: 0 } : headAndTail(maxTokens, room)) }];
  };

  const assembled = (texts: readonly CutTokens[], { maxTokens }: TruncationOptions): TokenizedText => {
    const [first, second] = texts as [CutTokens, CutTokens?];
    if (!second) return { ...assemble(template.single, { A: first.ids, B: first.ids }), truncated: first.truncated };
    const kept = longestFirst(first.total, second.total, maxTokens - specials.pair);
    const truncated = kept[0] < first.total || kept[1] < second.total;
    return { ...assemble(template.pair, { A: first.ids.subarray(0, kept[0]), B: second.ids.subarray(0, kept[1]) }), truncated };
  };

  return {
    vocabularySize,
    padTokenId,
    async tokenize(documents, options) {
      const pairs = documents.some(({ textPair }) => textPair !== undefined);
      const least = (pairs ? specials.pair + 1 : specials.single) + 1;
      if (!(Number.isInteger(options.maxTokens) && options.maxTokens >= least)) {
        throw new LlambertError(
          'invalid_input',
          `${options.maxTokens} tokens leave no room for a ${pairs ? 'text pair' : 'text'}: set at least ${least}`,
        );
      }
      const wanted = documents.map((document) => wantedOf(document, options));
      const cut = (
        await encodeEnds(tokenizer, wanted.flat(), longestWord).catch((error) => Promise.reject(unreadable(where, error)))
      ).values();
      return wanted.map((ends) =>
        assembled(
          ends.map(() => cut.next().value!),
          options,
        ),
      );
    },
  };
}

/**
 * Refuses a tokenizer with ids that the model's embedding table does not have. A table may well have spare rows.
 *
 * @throws LlambertError `invalid_input`
 */
export function checkVocabularyFits(tokenizer: EncoderTokenizer, encoder: { readonly vocabularySize: number }, where: string): void {
  if (tokenizer.vocabularySize <= encoder.vocabularySize) return;
  throw new LlambertError(
    'invalid_input',
    `${where}: the tokenizer has ${tokenizer.vocabularySize} tokens, but the encoder's table only ${encoder.vocabularySize} rows. ` +
      'They are not from the same model: take tokenizer.json, config.json and the weights from one checkpoint',
    { facts: { file: where, tokens: tokenizer.vocabularySize, rows: encoder.vocabularySize } },
  );
}

function nativeTokenizer(json: string, where: string): Tokenizer {
  try {
    return Tokenizer.fromString(json);
  } catch (error) {
    throw unreadable(where, error);
  }
}

/** What the native package says of a file: when it reads it, or, of some faults, only when it meets a text. */
function unreadable(where: string, error: unknown): LlambertError {
  const reason = error instanceof Error ? error.message : String(error);
  return new LlambertError('corrupt_artifact', `${where}: the tokenizers package cannot use it: ${reason}. Download or export it again`, {
    facts: { file: where },
    cause: error,
  });
}
