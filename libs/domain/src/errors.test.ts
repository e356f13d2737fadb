import { describe, expect, it } from 'vitest';
import { LlambertError, receivedError, sentError, toLlambertError } from './errors.ts';

describe('LlambertError', () => {
  it('says as a fact whether the call can succeed later', () => {
    expect(new LlambertError('teacher_unreachable', 'away').retryable).toBe(true);
    expect(new LlambertError('invalid_input', 'wrong').retryable).toBe(false);
  });
});

describe('toLlambertError', () => {
  it('keeps our errors and names the causes that people can mend', () => {
    const ours = new LlambertError('conflict', 'taken');
    expect(toLlambertError(ours)).toBe(ours);
    expect(toLlambertError(Object.assign(new Error('write failed'), { code: 'ENOSPC' })).code).toBe('disk_full');
    expect(toLlambertError(new Error('database or disk is full')).code).toBe('disk_full');
    expect(toLlambertError(new DOMException('aborted', 'AbortError')).code).toBe('cancelled');
    expect(toLlambertError('odd').code).toBe('internal');
  });
});

describe('an error that passes between threads', () => {
  it('is cloned with its code, its facts and what caused it', () => {
    const cause = new TypeError('no such row', { cause: 'a hole in the table' });
    const error = new LlambertError('store_unavailable', 'the store is away', { facts: { file: 'a', line: 3 }, cause });
    const received = receivedError(structuredClone(sentError(error)));
    expect(received).toBeInstanceOf(LlambertError);
    expect(received).toMatchObject({
      code: 'store_unavailable',
      message: 'the store is away',
      facts: { file: 'a', line: 3 },
      retryable: true,
    });
    expect(received.cause).toMatch(/^TypeError: no such row\n {4}at [\s\S]*\ncaused by a hole in the table$/);
  });

  it('is made one of ours where it was none', () => {
    expect(receivedError(sentError(new Error('odd')))).toMatchObject({
      code: 'internal',
      message: 'odd',
      facts: {},
      cause: expect.stringMatching(/^Error: odd/),
    });
    expect(receivedError(sentError(new LlambertError('busy', 'later'))).cause).toBeUndefined();
  });
});
