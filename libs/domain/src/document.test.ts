import { describe, expect, it } from 'vitest';
import { type Document, documentProblem, maxIdBytes, maxTextBytes } from './document.ts';

const document = (changes: Partial<Document>): Document => ({ id: 'a', text: 'text', metadata: {}, ...changes });

describe('documentProblem', () => {
  it.each([
    [{}, null],
    [{ id: '' }, 'missing_id'],
    [{ id: 'あ'.repeat(Math.floor(maxIdBytes / 3)) }, null],
    [{ id: 'あ'.repeat(Math.floor(maxIdBytes / 3) + 1) }, 'id_too_long'],
    [{ text: ' \n\t　' }, 'empty_text'],
    [{ text: 'x'.repeat(maxTextBytes) }, null],
    [{ text: 'x'.repeat(maxTextBytes + 1) }, 'text_too_long'],
    [{ text: 'あ'.repeat(Math.floor(maxTextBytes / 3) + 1) }, 'text_too_long'],
    [{ textPair: 'x'.repeat(maxTextBytes + 1) }, 'text_too_long'],
    [{ text: 'half a pair: \ud83d' }, 'invalid_unicode'],
  ] as const)('judges case %#', (changes, problem) => {
    expect(documentProblem(document(changes))).toBe(problem);
  });
});
