import { type Answer, LlambertError, type RejectionReason } from '@llambert/domain';

/** Answers that were paid for and told nothing. The other reasons say nothing about the next answer. */
const useless: ReadonlySet<RejectionReason> = new Set(['refused', 'unparseable', 'unknown_label', 'cut_off', 'not_accepted']);

/** Answers after which a teacher that gave no label at all is asked no more. */
const firstAnswers = 20;
/** Answers after which one is asked no more that gave nearly none. */
const manyAnswers = 100;
const leastUsable = 0.05;

/** Stops asking a teacher whose answers cannot be used: a question or a model that does not fit is not mended by paying for more. */
export interface Brake {
  /** Hears of each answer. A label from the cache speaks for the teacher, a rejection from there has been heard of before. */
  heard(answer: Answer): void;
  /** @throws LlambertError `teacher_unusable`, with the reasons counted */
  check(): void;
}

export function brake(): Brake {
  let usable = 0;
  let rejected = 0;
  const reasons = new Map<RejectionReason, number>();
  return {
    heard(answer) {
      if (answer.kind === 'annotation') usable += 1;
      else if (!answer.cached && useless.has(answer.reason)) {
        rejected += 1;
        reasons.set(answer.reason, (reasons.get(answer.reason) ?? 0) + 1);
      }
    },
    check() {
      const answers = usable + rejected;
      const isUseless = (rejected >= firstAnswers && usable === 0) || (answers >= manyAnswers && usable / answers < leastUsable);
      if (!isUseless) return;
      const counted = [...reasons].map(([reason, count]) => `${reason.replaceAll('_', ' ')}: ${count}`).join(', ');
      throw new LlambertError(
        'teacher_unusable',
        `${usable === 0 ? 'none' : `only ${usable}`} of the teacher's first ${answers} answers could be used (${counted}), so it is asked no more. Mend the task (description, labels, guide, teacher.model, teacher.maxOutputTokens) or the teacher, and run the same command again: no answer is paid for twice`,
        { facts: { answers, usable } },
      );
    },
  };
}
