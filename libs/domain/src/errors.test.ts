import { describe, expect, it } from 'vitest';
import { LlambertError, toLlambertError } from './errors.ts';

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
