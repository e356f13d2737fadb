import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseEncoderSource } from './encoder-source.ts';
import { LlambertError } from './errors.ts';

describe('the source of an encoder', () => {
  it.each([
    ['models/minilm', { kind: 'folder', path: 'models/minilm' }],
    ['/models/a b', { kind: 'folder', path: '/models/a b' }],
    ['scratch:small', { kind: 'scratch', size: 'small' }],
    ['hf:microsoft/MiniLM-L12-H384-uncased', { kind: 'hub', owner: 'microsoft', name: 'MiniLM-L12-H384-uncased', revision: 'main' }],
    ['hf:a/b.c@v1.0', { kind: 'hub', owner: 'a', name: 'b.c', revision: 'v1.0' }],
    ['hf:a/b@refs/pr/1', { kind: 'hub', owner: 'a', name: 'b', revision: 'refs/pr/1' }],
  ])('%s is read', (text, source) => {
    expect(parseEncoderSource(text)).toEqual(source);
  });

  it.each([
    ['', /it is empty/],
    [' ', /it is empty/],
    ['a\0b', /NUL/],
    ['scratch:large', /only size from scratch is small/],
    ['hf:', /no <owner>\/<name>/],
    ['hf:bert-base-uncased', /owner is missing \(bert-base-uncased is google-bert/],
    ['hf:a/b/c', /no <owner>\/<name>/],
    ['hf:../..', /no <owner>\/<name>/],
    ['hf:a/..', /no <owner>\/<name>/],
    ['hf:a/b--c', /no <owner>\/<name>/],
    ['hf:a/b c', /no <owner>\/<name>/],
    ['hf:a/b@', /no branch/],
    ['hf:a/b@../x', /no branch/],
    ['hf:a/b@/x', /no branch/],
    ['hf:a/b@x?y', /no branch/],
    ['https://huggingface.co/a/b/tree/main', /write hf:a\/b/],
  ])('%j is refused', (text, message) => {
    const refusal = expect.objectContaining({ code: 'invalid_input', message: expect.stringMatching(message) });
    expect(() => parseEncoderSource(text)).toThrow(refusal);
    expect(() => parseEncoderSource(text)).toThrow(/scratch:small$/);
  });

  it('never leads out of the place it is put in, whatever is written', () => {
    const word = fc.string({ unit: fc.constantFrom('a', '.', '-', '/', '@', ':', '%', '\\', '_', ' ') });
    fc.assert(
      fc.property(word, (text) => {
        try {
          const source = parseEncoderSource(`hf:${text}`);
          if (source.kind !== 'hub') throw new Error('another kind');
          for (const part of [source.owner, source.name, ...source.revision.split('/')]) expect(part).toMatch(/^(?!\.)[\w.+-]+$/);
        } catch (error) {
          expect(error).toBeInstanceOf(LlambertError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
