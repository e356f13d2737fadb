import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { documentIn } from './document-block.ts';

const escapeTags = (text: string) => text.replace(/<(?=\/(document|second-text)>)/g, '<\\');
const texts = fc
  .array(fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('<document>', '</document>', '<second-text>', '</second-text>', '\n')), {
    maxLength: 12,
  })
  .map((parts) => parts.join(''))
  .filter((text) => !text.includes('<\\'));

describe('documentIn', () => {
  it('finds any text again, and its pair, after examples in the same message', () => {
    fc.assert(
      fc.property(texts, texts, fc.boolean(), (text, secondText, pair) => {
        const prompt = [
          'Guide.\n<document>\nan example\n</document>\n<second-text>\nof a pair\n</second-text>\nAnswer: x\n',
          `<document>\n${escapeTags(text)}\n</document>`,
          ...(pair ? [`<second-text>\n${escapeTags(secondText)}\n</second-text>`] : []),
          'Which label?',
        ].join('\n');
        expect(documentIn(prompt)).toEqual({ text, secondText: pair ? secondText : null });
      }),
    );
  });

  it('finds none in a prompt without block', () => {
    expect(documentIn('see <document> and </document>')).toBeNull();
    expect(documentIn('')).toBeNull();
  });
});
