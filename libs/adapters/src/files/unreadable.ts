import { LlambertError } from '@llambert/domain';

/** What the operating system says about a file, in words that help. */
export function unreadable(file: string, cause: unknown): LlambertError {
  if (cause instanceof LlambertError) return cause;
  const code = (cause as { code?: unknown } | null)?.code;
  const known: Record<string, string> = {
    ENOENT: 'there is no such file or folder; is the path right?',
    EACCES: 'it may not be read; change its permissions',
    EPERM: 'it may not be read; change its permissions',
    EISDIR: 'it is a folder',
  };
  const reason = (typeof code === 'string' && known[code]) || `it cannot be read: ${messageOf(cause)}`;
  return new LlambertError('invalid_input', `${file}: ${reason}`, { facts: { file }, cause });
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
