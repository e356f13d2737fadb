import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LlambertError } from '@llambert/domain';
import { checkVocabularyFits, type EncoderTokenizer } from './tokenizer.ts';

/**
 * Rows that a table may have beyond the tokenizer's tokens. Tables are padded to multiples of 64, 128 or 1,024, and dbmdz's Italian XXL
 * BERTs have 1,000 rows too many.
 */
const mostSpareRows = 1024;
/** The least share of a vocabulary that its own tokenizer has at the same ids. Two BERTs share a few hundredths. */
const leastAgreement = 0.5;

const advice = 'It seems to be the tokenizer of another model: take tokenizer.json from the checkpoint that the weights are from';

/**
 * Refuses a checkpoint whose tokenizer.json is another model's, as far as its files betray it: ids that the table does not have, too
 * many rows that no token has, or another vocabulary than that of the vocab.txt or vocab.json beside it.
 *
 * The ids of special tokens are no evidence. All BERTs have nearly the same, and `pad_token_id` is stale in sound models:
 * multilingual-e5-small is a BERT whose padding is 0 by its config.json and 1 by its tokenizer.
 *
 * @param tokenizer what `tokenizerJson` describes
 * @throws LlambertError `invalid_input`
 */
export async function checkTokenizerIsOwn(
  folder: string,
  tokenizerJson: string,
  tokenizer: EncoderTokenizer,
  encoder: { readonly vocabularySize: number },
): Promise<void> {
  checkVocabularyFits(tokenizer, encoder, folder);
  const [tokens, rows] = [tokenizer.vocabularySize, encoder.vocabularySize];
  if (rows - tokens > mostSpareRows) {
    throw new LlambertError(
      'invalid_input',
      `${folder}: the encoder's table has ${rows} rows, but tokenizer.json only ${tokens} tokens. ${advice}. Where it is its own, cut ` +
        `the table in transformers: AutoModel.from_pretrained(…), resize_token_embeddings(${tokens}), save_pretrained(…)`,
      { facts: { file: folder, tokens, rows } },
    );
  }
  const { vocab, merges } = JSON.parse(tokenizerJson).model as { vocab: Readonly<Record<string, number>>; merges?: unknown };
  // SentencePiece's files are not read.
  if (Array.isArray(vocab)) return;
  // A vocab.txt lists tokens where it is WordPiece's; some RoBERTas have something else under that name.
  const file = merges === undefined ? 'vocab.txt' : 'vocab.json';
  const listed = await readVocabulary(join(folder, file));
  const agreeing = listed.filter(([token, id]) => Object.hasOwn(vocab, token) && vocab[token] === id).length;
  if (agreeing >= leastAgreement * listed.length) return;
  throw new LlambertError(
    'invalid_input',
    `${folder}: tokenizer.json has ${agreeing} of the ${listed.length} tokens of ${file} at their ids. ${advice}; where it has none, ` +
      'take yours away and let transformers make one: AutoTokenizer.from_pretrained(…).save_pretrained(…)',
    { facts: { file: folder, agreeing, listed: listed.length } },
  );
}

/** The tokens and ids of a vocab.txt, a line for each id, or of a vocab.json; none where there is no such file, or it is something else. */
async function readVocabulary(path: string): Promise<[token: string, id: unknown][]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const lines = text.split('\n').map((line) => line.replace(/\r$/, ''));
  if (lines.at(-1) === '') lines.pop();
  if (path.endsWith('.txt')) return lines.map((token, id) => [token, id]);
  try {
    return Object.entries(JSON.parse(text));
  } catch {
    return [];
  }
}
