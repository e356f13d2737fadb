import { inUsd, type Task } from '@llambert/domain';
import { count, dollars } from '../terminal/amounts.ts';
import { excerpt } from '../terminal/safe-text.ts';
import type { TrialAnswer } from './teacher-trial.ts';

export function trialHead(task: Task, documents: number): string {
  return `\n${task.settings.teacher.model} is asked about ${documents} documents: ${task.spec.description}\n`;
}

/** One document with what the teacher says about it. */
export function trialLines({ document, labels, problem, cost }: TrialAnswer, number: number): string[] {
  const said =
    problem !== null
      ? `no label (${problem.reason}: ${excerpt(problem.detail, 120)})`
      : labels?.length === 0
        ? '(none of the labels)'
        : labels!.join(', ');
  return [`${String(number).padStart(3)}. ${excerpt(document.text, 150)}`, `     → ${said}   ${dollars(inUsd(cost))}`];
}

/** What the trial cost, and what that promises for the task. */
export function trialTotal(task: Task, trial: readonly TrialAnswer[]): string[] {
  const { annotations, usd: cap } = task.settings.budget;
  const spent = trial.reduce((sum, answer) => sum + inUsd(answer.cost), 0);
  const unlabelled = trial.filter((answer) => answer.labels === null).length;
  const asked = trial.filter((answer) => answer.milliseconds > 0).length;
  const each = asked === 0 ? 0 : spent / asked;
  const lines = ['', `${trial.length} documents: ${dollars(spent)}${unlabelled === 0 ? '' : `, ${unlabelled} without a label`}`];
  if (each > 0) {
    const affordable = Math.floor(cap / each);
    lines.push(
      affordable >= annotations
        ? `The ${count(annotations)} annotations that the task allows would cost about ${dollars(annotations * each)}, within its cap of ${dollars(cap)}.`
        : `Its cap of ${dollars(cap)} pays for about ${count(affordable)} annotations, fewer than the ${count(annotations)} that the task allows.`,
    );
  } else if (asked > 0) lines.push('By the prices given, the teacher costs nothing.');
  lines.push('What was spent here does not count towards the cap of a run.', '');
  return lines;
}
