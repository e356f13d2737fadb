import { LlambertError } from '@llambert/domain';
import { type Normalizer, type PreTokenizer, Tokenizer } from 'tokenizers';
import { continuingPrefix, subwordPieces } from './subword-pieces.ts';

/** In the order of their ids. */
const specials = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];
/** As in BERT; longer words are unknown. */
const longestWord = 100;

/**
 * How texts become words: as in uncased BERT, but letters keep their marks (in Thai or Hindi they are the vowels) and compatible forms
 * are one (NFKC). Thai, Lao, Khmer and Burmese are written without spaces and are read by the character, as BERT reads Chinese.
 */
const wordSplitting = {
  normalizer: {
    type: 'Sequence',
    normalizers: [
      { type: 'NFKC' },
      { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, strip_accents: false, lowercase: true },
    ],
  },
  pre_tokenizer: {
    type: 'Sequence',
    pretokenizers: [
      { type: 'BertPreTokenizer' },
      { type: 'Split', pattern: { Regex: '[\\p{Thai}\\p{Lao}\\p{Khmer}\\p{Myanmar}]' }, behavior: 'Isolated', invert: false },
    ],
  },
};

/**
 * A tokenizer for an encoder that starts from random weights: word pieces learned from the corpus, as the text of a `tokenizer.json`
 * that the `tokenizers` package reads in any language. The package's own trainer is not used: from Node it takes no vocabulary size
 * and no special tokens, and gives other ids in every run. Equal texts, in any order, give equal bytes here.
 *
 * Blocks the thread: about 3 s for 5,000 film reviews. Memory is that of the distinct words.
 *
 * @param options.vocabularySize tokens at most, the five special ones among them
 * @throws LlambertError `invalid_input` when there is no word in the texts
 */
export function scratchTokenizerJson(texts: Iterable<string>, { vocabularySize = 8000 }: { vocabularySize?: number } = {}): string {
  const pieces = subwordPieces(wordCounts(texts), vocabularySize - specials.length);
  if (pieces.length === 0) {
    throw new LlambertError(
      'invalid_input',
      'no vocabulary can be built: there is not a word in the documents. Check the input and its text field',
    );
  }
  return tokenizerJson([...specials, ...pieces]);
}

function wordCounts(texts: Iterable<string>): Map<string, number> {
  const splitter = Tokenizer.fromString(tokenizerJson(specials));
  const normalizer = splitter.getNormalizer() as Normalizer;
  const preTokenizer = splitter.getPreTokenizer() as PreTokenizer;
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const [word] of preTokenizer.preTokenizeString(normalizer.normalizeString(text.toWellFormed()))) {
      counts.set(word, (counts.get(word) ?? 0) + 1);
    }
  }
  for (const word of counts.keys()) {
    if (word.length > longestWord && [...word].length > longestWord) counts.delete(word);
  }
  return counts;
}

function tokenizerJson(vocabulary: readonly string[]): string {
  const special = (name: string, type: number) => ({ SpecialToken: { id: name, type_id: type } });
  const first = [special('[CLS]', 0), { Sequence: { id: 'A', type_id: 0 } }, special('[SEP]', 0)];
  const put = ['[CLS]', '[SEP]'].map((name) => [name, { id: name, ids: [vocabulary.indexOf(name)], tokens: [name] }]);
  return JSON.stringify({
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specials.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    ...wordSplitting,
    post_processor: {
      type: 'TemplateProcessing',
      single: first,
      pair: [...first, { Sequence: { id: 'B', type_id: 1 } }, special('[SEP]', 1)],
      special_tokens: Object.fromEntries(put),
    },
    decoder: { type: 'WordPiece', prefix: continuingPrefix, cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: continuingPrefix,
      max_input_chars_per_word: longestWord,
      vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])),
    },
  });
}
