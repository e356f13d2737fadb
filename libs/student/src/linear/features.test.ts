import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DocumentText } from '../rows.ts';
import { FeatureExtractor, type FeatureSet, featureScale, leastDocuments } from './features.ts';

/** Features of a document with how often each occurs. */
function features(document: DocumentText | string, set: FeatureSet = 'words'): Map<number, number> {
  const extractor = new FeatureExtractor(set);
  const count = extractor.extract(typeof document === 'string' ? { text: document } : document);
  const counts = new Map<number, number>();
  for (const hash of extractor.hashes.subarray(0, count)) counts.set(hash, (counts.get(hash) ?? 0) + 1);
  return counts;
}

const words = (document: DocumentText | string) => [...features(document)].filter(([hash]) => leastDocuments(hash, 0) === 1);
const shared = (left: string, right: string, set?: FeatureSet) =>
  [...features(left, set).keys()].filter((hash) => features(right, set).has(hash)).length;

describe('words', () => {
  it('are features, and so are pairs of neighbours', () => {
    const counts = features('the cat saw the dog');
    expect(words('the cat saw the dog').map(([, count]) => count)).toEqual([2, 1, 1, 1]);
    // the cat, cat saw, saw the, the dog.
    expect(counts.size).toBe(4 + 4);
    expect(shared('the cat', 'cat the')).toBe(2);
  });

  it.each([
    ['case', 'STRASSE Été ΣΊΣΥΦΟΣ', 'strasse été σίσυφος'],
    ['full width', 'Ｆｕｌｌ　ｗｉｄｔｈ １２３', 'full width 123'],
    ['decomposed accents', 'cafe\u0301', 'café'],
    ['decomposed hangul', '한국어'.normalize('NFD'), '한국어'],
    ['ligatures', 'ﬁne', 'fine'],
    ['letters of mathematics', '𝐛𝐨𝐥𝐝', 'bold'],
    ['punctuation', '"So, what?!" -- (yes)', 'so what yes'],
    ['line breaks', 'so\r\nwhat\u2028yes', 'so what yes'],
    ["an emoji's variant", 'I ❤\ufe0f it', 'i ❤ it'],
    ["an emoji's skin", 'ok 👍🏽 then', 'ok 👍 then'],
  ])('do not depend on %s', (_, left, right) => {
    expect(features(left, 'words+chars')).toEqual(features(right, 'words+chars'));
  });

  it('keep accents, digits and what stands between angle brackets', () => {
    expect(shared('resume', 'résumé')).toBe(0);
    expect(shared('7', '8')).toBe(0);
    expect(features('a <b and c> d')).toEqual(features('a b and c d'));
  });

  it('are what a script with spaces writes, whatever the script', () => {
    for (const text of ['привет мир', 'γειά σου', 'שלום עולם', 'مرحبا عالم', 'नमस्ते दुनिया', '안녕 세계'])
      expect(features(text).size, text).toBe(3);
  });

  it('are the pictographs one by one, on either side of U+FFFF', () => {
    for (const emoji of ['👍', '❤']) {
      expect(words(emoji.repeat(3))).toEqual([[expect.any(Number), 3]]);
      expect(words(`great${emoji}film`).map(([hash]) => hash)).toEqual(words(`great ${emoji} film`).map(([hash]) => hash));
    }
    expect(shared('👍', '👎')).toBe(0);
  });
});

describe('character n-grams inside words', () => {
  it('have three and four characters with the ends of the word', () => {
    // " a", " ab", …: of " abcd " these are 4 of three and 3 of four; the word comes with them.
    const counts = features('abcd', 'words+chars');
    expect(counts.size).toBe(8);
    expect([...counts.keys()].filter((hash) => featureScale(hash) < 1).length).toBe(7);
  });

  it('bring forms of a word together, and a slip of the pen', () => {
    expect(shared('refunded', 'refund', 'words')).toBe(0);
    expect(shared('refunded', 'refund', 'words+chars')).toBeGreaterThan(6);
    expect(shared('transaction', 'trasnaction', 'words+chars')).toBeGreaterThan(5);
  });

  it('are not in the words themselves', () => {
    for (const hash of features('one two three').keys()) expect(featureScale(hash)).toBe(1);
  });
});

describe('scripts without spaces', () => {
  it.each([
    ['Japanese', 'この映画は最高でした', '最高の映画'],
    ['Chinese', '这部电影非常好看', '非常好看的电影'],
    ['Thai', 'หนังเรื่องนี้ดีมาก', 'ดีมากเรื่องนี้'],
    ['Chinese above U+FFFF', '𠮷野家好吃', '好吃𠮷野家'],
  ])('give n-grams of one to four characters: %s', (_, left, right) => {
    const units = left.length;
    const total = [...features(left).values()].reduce((sum, count) => sum + count, 0);
    expect(total).toBe(4 * units - 6);
    expect(shared(left, right)).toBeGreaterThan(4);
    expect(features(left, 'words+chars')).toEqual(features(left));
  });

  it('do not depend on the width of kana', () => {
    expect(features('ｶﾞｿﾘﾝ')).toEqual(features('ガソリン'));
    // ー stands in it twice.
    expect(shared('コーヒー', 'コーヒー豆')).toBe(9);
  });

  it('mix with words', () => {
    const found = features('iPhoneを買った。good');
    for (const part of ['iPhone', 'を買った', 'good']) for (const hash of features(part).keys()) expect(found.has(hash)).toBe(true);
    expect(found.size).toBe(2 + 10);
  });
});

describe('text pairs', () => {
  it('keep their texts apart', () => {
    const forth = features({ text: 'cats eat', textPair: 'dogs sleep' });
    const back = features({ text: 'dogs sleep', textPair: 'cats eat' });
    expect([...forth.keys()].filter((hash) => back.has(hash)).length).toBe(1);
  });

  it('show what both texts share', () => {
    const alone = features({ text: 'cats eat fish', textPair: 'dogs sleep' }).size;
    expect(features({ text: 'cats eat fish', textPair: 'cats sleep' }).size).toBe(alone + 1);
    expect(features({ text: 'a b', textPair: 'a b' }).size).toBe(3 + 3 + 3 + 1);
  });

  it('differ from a text without its pair, also where that is empty', () => {
    expect(features({ text: 'a', textPair: '' }).size).toBe(2);
    expect(features({ text: '', textPair: '' }).size).toBe(1);
    expect(features({ text: '', textPair: 'a' })).not.toEqual(features('a'));
  });
});

describe('FeatureExtractor', () => {
  it('finds nothing in texts without letters', () => {
    for (const text of ['', ' \n\t', '…!?', '\u0000\ufffd', '\u200b\u200d\ufe0f', '\ud83d', '\udc4d\ud83d'])
      expect(features(text, 'words+chars').size, JSON.stringify(text)).toBe(0);
  });

  it('reads any text, broken surrogates included, and says the same of it each time', () => {
    const unit = fc.oneof(fc.nat(0xffff), fc.integer({ min: 0xd800, max: 0xdfff }), fc.constantFrom(0x3042, 0x61, 0x20));
    const text = fc.array(unit, { maxLength: 60 }).map((units) => String.fromCharCode(...units));
    const used = new FeatureExtractor('words+chars');
    fc.assert(
      fc.property(text, fc.option(text, { nil: undefined }), (first, second) => {
        const document = second === undefined ? { text: first } : { text: first, textPair: second };
        const count = used.extract(document);
        const fresh = new FeatureExtractor('words+chars');
        expect(used.hashes.subarray(0, count)).toEqual(fresh.hashes.subarray(0, fresh.extract(document)));
      }),
      { numRuns: 500 },
    );
  });

  it('reads a megabyte, whatever it is made of', () => {
    for (const part of ['word ', 'x', '映画', '👍', 'a ', '<']) {
      const text = part.repeat(Math.floor((1 << 20) / part.length));
      const extractor = new FeatureExtractor('words+chars');
      expect(extractor.extract({ text, textPair: text })).toBeLessThanOrEqual(extractor.hashes.length);
    }
  });

  it('gives the hashes that saved models rely on', () => {
    const extractor = new FeatureExtractor('words+chars');
    const count = extractor.extract({ text: 'Good 映 👍', textPair: 'good' });
    let checksum = 0;
    for (const hash of extractor.hashes.subarray(0, count)) checksum = (Math.imul(checksum, 31) + hash) | 0;
    // Where this changes, so must `format` in model.ts.
    expect({ count, checksum }).toEqual({ count: 27, checksum: -45634076 });
  });
});
