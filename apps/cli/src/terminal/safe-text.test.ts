import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { excerpt, safeText } from './safe-text.ts';

describe('safeText', () => {
  it('leaves no control character but line ends and tabs, and any other text as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(safeText(text)).not.toMatch(/[^\P{Cc}\n\t]/u);
      }),
    );
    expect(safeText('a\x1b[2Jb\u202e\tc\n日本 😀')).toBe('a\ufffd[2Jb\ufffd\tc\n日本 😀');
  });
});

describe('excerpt', () => {
  it('is one line, no longer than it may be', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 40 }), (text, length) => {
        const line = excerpt(text, length);
        expect(line).not.toContain('\n');
        expect(Array.from(line).length).toBeLessThanOrEqual(length + 1);
      }),
    );
    expect(excerpt('a\r\n\n b', 10)).toBe('a b');
    expect(excerpt('abcdef', 3)).toBe('abc…');
  });
});
