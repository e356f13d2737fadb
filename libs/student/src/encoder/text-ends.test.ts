import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { textEnd, textStart } from './text-ends.ts';

const anyText = fc.array(fc.constantFrom('ab', ' ', '\n', '\t', '👍', 'é', '漢')).map((pieces) => pieces.join(''));

describe('the ends of a text', () => {
  it('have at least so many characters, and are ends', () => {
    fc.assert(
      fc.property(anyText, fc.nat(80), (text, characters) => {
        const [start, end] = [textStart(text, characters), textEnd(text, characters)];
        expect(text.startsWith(start) && text.endsWith(end)).toBe(true);
        expect(Math.min(start.length, end.length)).toBeGreaterThanOrEqual(Math.min(characters, text.length));
        expect(start.isWellFormed() && end.isWellFormed()).toBe(true);
      }),
    );
  });

  it('are cut before white space, which stays in one piece', () => {
    expect(textStart('one two  three', 4)).toBe('one two');
    expect(textStart('one two  three four', 8)).toBe('one two  three');
    expect(textEnd('one two  three', 6)).toBe('  three');
    expect(textEnd('one\ntwo three', 7)).toBe('\ntwo three');
  });

  it('are cut inside a word where there is no white space near', () => {
    const text = 'x'.repeat(5000);
    expect(textStart(text, 100)).toHaveLength(100);
    expect(textEnd(text, 100)).toHaveLength(100);
  });
});
