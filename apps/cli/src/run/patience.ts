import { LlambertError, type TeacherFailure } from '@llambert/domain';
import type { Reporter } from '../terminal/reporter.ts';

/** Rest between two notices that the teacher is away, in milliseconds. */
const noticeMs = 15_000;

/** How long a teacher may go without an answer: a run that nobody watches must end with a message rather than wait for ever. */
export function patience(seconds: number, reporter: Reporter) {
  const { promise: exhausted, reject } = Promise.withResolvers<never>();
  exhausted.catch(() => undefined);
  let awaySince: number | null = null;
  let noticed = 0;
  let lastFailure = '';
  const look = () => {
    if (awaySince === null || Date.now() - awaySince <= seconds * 1000) return;
    reject(
      new LlambertError(
        'teacher_unreachable',
        `the teacher has given no answer for ${seconds} s (${lastFailure}). What was labelled is kept: run the same command again when the teacher is back`,
      ),
    );
  };
  return {
    /** Looks at the clock: a call may be under way, or put off by the server, for longer than patience lasts. */
    look,
    /** Rejects with `teacher_unreachable` when patience has run out. */
    exhausted,
    /** Hears how each call ended: with a failure, or with an answer (null). */
    onOutcome(failure: TeacherFailure | null): void {
      if (failure === null) {
        awaySince = null;
        return;
      }
      const now = Date.now();
      awaySince ??= now;
      lastFailure = failure.detail;
      look();
      if (now - noticed > noticeMs) {
        noticed = now;
        reporter.notice(`the teacher does not answer (${failure.detail}); trying again for up to ${seconds} s`);
      }
    },
  };
}
