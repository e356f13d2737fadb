import { LlambertError, type TeacherFailure } from '@llambert/domain';
import type { Reporter } from '../terminal/reporter.ts';

/** How long a teacher is away before it is said what will come of it, in milliseconds. */
const noticeMs = 15_000;

/** How long a teacher may go without an answer: a run that nobody watches must end with a message rather than wait for ever. */
export function patience(seconds: number, reporter: Pick<Reporter, 'notice'>, now: () => number) {
  const { promise: exhausted, reject } = Promise.withResolvers<never>();
  exhausted.catch(() => undefined);
  let awaySince: number | null = null;
  let noticed = false;
  let lastFailure = '';
  const look = () => {
    if (awaySince === null) return;
    const awayMs = now() - awaySince;
    if (awayMs > noticeMs && !noticed && seconds * 1000 > noticeMs) {
      noticed = true;
      reporter.notice(`the teacher has given no answer for a while: the run stops after ${seconds} s without one (--patience)`);
    }
    if (awayMs <= seconds * 1000) return;
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
        noticed = false;
        return;
      }
      awaySince ??= now();
      lastFailure = failure.detail;
      look();
    },
  };
}
