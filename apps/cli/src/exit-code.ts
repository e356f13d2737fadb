import type { ErrorCode } from '@llambert/domain';

/** What scripts rely on (see docs): 0 done, 1 our fault, 2 bad usage or input, 3 out of budget, 4 something outside is away, 130 stopped. */
export type ExitCode = 0 | 1 | 2 | 3 | 4 | 130;

const byError: Record<ErrorCode, ExitCode> = {
  invalid_input: 2,
  invalid_task: 2,
  not_found: 2,
  conflict: 2,
  busy: 2,
  budget_exhausted: 3,
  teacher_unreachable: 4,
  teacher_refused_credentials: 4,
  teacher_unusable: 2,
  hub_unreachable: 4,
  hub_refused_credentials: 4,
  store_unavailable: 4,
  disk_full: 4,
  cancelled: 130,
  stale_lease: 1,
  corrupt_artifact: 2,
  internal: 1,
};

export function exitCodeOf(code: ErrorCode): ExitCode {
  return byError[code];
}
