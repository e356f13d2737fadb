import { inUsd, type Task } from '@llambert/domain';
import { count, dollars } from '../terminal/amounts.ts';
import { excerpt } from '../terminal/safe-text.ts';
import type { TrialAnswer } from './teacher-trial.ts';

export function trialHead(task: Task, documents: number): string {
  return `\n${task.settings.teacher.model} is asked about ${documents} documents: ${task.spec.description}\n`;
}

/** One document with what the teacher says about it. */
export function trialLines({ document, labels, problem, cost, atMost }: TrialAnswer, number: number): string[] {
  const said =
    problem !== null
      ? `no label (${problem.reason}: ${excerpt(problem.detail, 120)})`
      : labels?.length === 0
        ? '(none of the labels)'
        : labels!.join(', ');
  return [
    `${String(number).padStart(3)}. ${excerpt(document.text, 150)}`,
    `     → ${said}   ${atMost ? 'at most ' : ''}${dollars(inUsd(cost))}`,
  ];
}

/** What the trial cost, and what that promises for the task. */
export function trialTotal(task: Task, trial: readonly TrialAnswer[]): string[] {
  const { annotations, usd: cap } = task.settings.budget;
  const spent = trial.reduce((sum, answer) => sum + inUsd(answer.cost), 0);
  const unlabelled = trial.filter((answer) => answer.labels === null).length;
  const asked = trial.filter((answer) => answer.milliseconds > 0).length;
  const unmeasured = trial.filter((answer) => answer.atMost).length;
  const bound = unmeasured > 0 ? 'at most ' : '';
  const each = asked === 0 ? 0 : spent / asked;
  const lines = ['', `${trial.length} documents: ${bound}${dollars(spent)}${unlabelled === 0 ? '' : `, ${unlabelled} without a label`}`];
  if (unmeasured > 0) {
    lines.push(
      `For ${unmeasured} of them the server does not say how many tokens it took, so the worst is assumed (every byte of the prompt a token, and the longest answer).`,
    );
  }
  if (trial.length > 0 && unlabelled === trial.length) {
    lines.push(
      `No answer could be used (${reasons(trial)}), so nothing can be said of what labels cost: mend the task or the teacher first.`,
    );
  } else if (each > 0) {
    const affordable = Math.floor(cap / each);
    lines.push(
      affordable >= annotations
        ? `The ${count(annotations)} annotations that the task allows would cost ${bound || 'about '}${dollars(annotations * each)}, within its cap of ${dollars(cap)}.`
        : `Its cap of ${dollars(cap)} pays for about ${count(affordable)} annotations, fewer than the ${count(annotations)} that the task allows${bound === '' ? '' : ', for the worst price counts against it'}.`,
    );
  } else if (asked > 0) lines.push('By the prices given, the teacher costs nothing.');
  lines.push('What was spent here does not count towards the cap of a run.', '');
  return lines;
}

/** Why answers were no labels, counted. */
export function reasons(trial: readonly TrialAnswer[]): string {
  const counts = new Map<string, number>();
  for (const { problem } of trial) {
    if (problem !== null) counts.set(problem.reason, (counts.get(problem.reason) ?? 0) + 1);
  }
  return [...counts].map(([reason, times]) => `${reason.replaceAll('_', ' ')}: ${times}`).join(', ');
}
