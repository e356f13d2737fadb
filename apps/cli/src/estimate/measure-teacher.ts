import { type Document, inUsd, type Task, type Teacher } from '@llambert/domain';
import { checkTrialFits, type TrialAnswer, tryTeacher } from '../asking/teacher-trial.ts';

/** What the teacher took for some documents, asked as many at once as the task says. */
export interface TeacherSpeed {
  readonly asked: number;
  readonly seconds: number;
  readonly usd: number;
  /** Whether `usd` is the most it can have cost: the server does not say how many tokens every call took. */
  readonly usdAtMost: boolean;
  /** Mean tokens of the calls whose tokens the server said; null: of none. */
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
}

/** Asks the teacher, which costs money; the task's cap holds for it by itself. */
export async function measureTeacher(
  task: Task,
  documents: readonly Document[],
  teacher: Teacher,
  signal: AbortSignal,
): Promise<TeacherSpeed> {
  checkTrialFits(task, documents);
  const waiting = [...documents];
  const answers: TrialAnswer[] = [];
  const begun = performance.now();
  const ask = async () => {
    for (let document = waiting.shift(); document !== undefined; document = waiting.shift()) {
      answers.push(await tryTeacher(task, document, teacher, signal));
    }
  };
  // The first alone: from it the client learns what the server can, and a server that is down is asked once.
  const first = waiting.shift();
  if (first !== undefined) answers.push(await tryTeacher(task, first, teacher, signal));
  const alone = performance.now();
  await Promise.all(Array.from({ length: Math.min(task.settings.teacher.concurrency, waiting.length) }, ask));
  const told = answers.flatMap(({ tokens }) => (tokens === null ? [] : [tokens]));
  const mean = (values: readonly number[]) => (values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length);
  const rest = performance.now() - alone;
  const isMeasured = answers.length > 1;
  return {
    asked: isMeasured ? answers.length - 1 : answers.length,
    seconds: (isMeasured ? rest : alone - begun) / 1000,
    usd: answers.reduce((sum, { cost }) => sum + inUsd(cost), 0),
    usdAtMost: answers.some(({ atMost }) => atMost),
    inputTokens: mean(told.map(({ input }) => input)),
    outputTokens: mean(told.map(({ output }) => output)),
  };
}
