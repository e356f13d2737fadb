import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scratchTokenizerJson } from './scratch-vocabulary.ts';
import { readTokenizer } from './tokenizer.ts';

const corpus = [
  'The film was great, and the ending of the film was greater still.',
  'Not a great film. The café scene is résumé material, the rest is not!',
  'มันดีมากจริงๆ หนังเรื่องนี้ดีมาก',
  '这部电影很好看，我很喜欢这部电影。',
  'यह फिल्म बहुत अच्छी है, फिल्म देखो',
  'とてもいい映画でした。映画が好きです。カタカナ',
  '영화가 정말 좋았어요. 좋은 영화',
];
const whole = { maxTokens: 1000, truncation: 'head' } as const;

async function piecesOf(json: string, text: string): Promise<string[]> {
  const { vocab } = (JSON.parse(json) as { model: { vocab: Record<string, number> } }).model;
  const names = new Map(Object.entries(vocab).map(([name, id]) => [id, name]));
  const [own] = await readTokenizer(json, 'scratch').tokenize([{ text }], whole);
  return Array.from(own!.ids, (id) => names.get(id)!);
}

describe('the vocabulary of a corpus', () => {
  const json = scratchTokenizerJson(corpus, { vocabularySize: 400 });

  it('has whole words for what is frequent, and pieces for the rest', async () => {
    expect(await piecesOf(json, 'The FILM was great!')).toEqual(['[CLS]', 'the', 'film', 'was', 'great', '!', '[SEP]']);
    const pieces = await piecesOf(json, 'greatest');
    expect(pieces).not.toContain('[UNK]');
    expect(
      pieces
        .slice(1, -1)
        .map((piece) => piece.replace('##', ''))
        .join(''),
    ).toBe('greatest');
  });

  it('reads scripts without spaces, and keeps the marks of letters', async () => {
    expect(await piecesOf(json, 'ดีมาก')).toEqual(['[CLS]', 'ด', 'ี', 'ม', 'า', 'ก', '[SEP]']);
    expect(await piecesOf(json, '电影')).toEqual(['[CLS]', '电', '影', '[SEP]']);
    expect(await piecesOf(json, 'फिल्म')).toEqual(['[CLS]', 'फिल्म', '[SEP]']);
    expect(await piecesOf(json, 'ดี'.repeat(200))).not.toContain('[UNK]');
    for (const text of corpus) expect(await piecesOf(json, text)).not.toContain('[UNK]');
    const [plain, marked] = [await piecesOf(json, 'cafe'), await piecesOf(json, 'cafe\u0301')];
    expect(marked).toEqual(await piecesOf(json, 'CAFÉ'));
    expect(marked).not.toEqual(plain);
  });

  it('is the same file for the same texts in any order, and the same ids when it is read again', async () => {
    expect(scratchTokenizerJson([...corpus].reverse(), { vocabularySize: 400 })).toBe(json);
    const built = readTokenizer(json, 'built');
    const again = readTokenizer(JSON.stringify(JSON.parse(json), null, 2), 'saved');
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...corpus)),
        fc.option(fc.string(), { nil: undefined }),
        async (text, second) => {
          const document = second === undefined ? { text } : { text, textPair: second };
          const [one] = await built.tokenize([document], whole);
          expect(await again.tokenize([document], whole)).toEqual([one]);
        },
      ),
    );
  });

  it('keeps to its size and begins with the special tokens', () => {
    for (const vocabularySize of [60, 150]) {
      const tokenizer = readTokenizer(scratchTokenizerJson(corpus, { vocabularySize }), 'scratch');
      expect(tokenizer.vocabularySize).toBe(vocabularySize);
      expect(tokenizer.padTokenId).toBe(0);
    }
  });

  it('takes any text', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), (texts) => {
        const json = scratchTokenizerJson([...texts, 'film \ud83d'], { vocabularySize: 50 });
        expect(readTokenizer(json, 'scratch').vocabularySize).toBeLessThanOrEqual(50);
      }),
      { numRuns: 50 },
    );
  });

  it.each([[[]], [['', ' \n', '\u0000']]])('cannot be built of %j', (texts) => {
    expect(() => scratchTokenizerJson(texts)).toThrow(expect.objectContaining({ code: 'invalid_input' }));
  });
});
