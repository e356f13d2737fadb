import { setTimeout as pause } from 'node:timers/promises';
import { parseAnswer, renderRequest, worstPrice } from '@llambert/annotation';
import {
  type Document,
  inUsd,
  LlambertError,
  labelSetOf,
  type NanoUsd,
  nanoUsd,
  priceOf,
  type RejectionReason,
  type Task,
  type Teacher,
  type TeacherFailure,
  type TeacherOutcome,
  type TeacherRequest,
} from '@llambert/domain';
import { backoffMs } from '@llambert/platform';
import { dollars } from '../terminal/amounts.ts';

/** What the teacher made of one document. */
export interface TrialAnswer {
  readonly document: Document;
  readonly labels: readonly string[] | null;
  /** Why there is no label; null where there is one. */
  readonly problem: { readonly reason: RejectionReason; readonly detail: string } | null;
  readonly cost: NanoUsd;
  /** Whether `cost` is the most it can have cost, for the server does not say how many tokens it took. */
  readonly atMost: boolean;
  readonly tokens: { readonly input: number; readonly output: number } | null;
  readonly milliseconds: number;
}

const mostTries = 4;
const patience = { firstMs: 1000, longestMs: 20_000 };

/** A trial that its task's cap has no room for is not begun: the dearest it can get must fit. */
export function checkTrialFits(task: Task, documents: readonly Document[]): void {
  const { price } = task.settings.teacher;
  const worst = documents.reduce((sum, document) => sum + worstPrice(renderRequest(task, document), price), 0);
  const cap = nanoUsd(task.settings.budget.usd);
  if (worst <= cap) return;
  throw new LlambertError(
    'budget_exhausted',
    `asking the teacher about ${documents.length} documents could cost up to ${dollars(inUsd(worst))}, more than the cap of ${dollars(task.settings.budget.usd)}: raise the cap or choose a cheaper model`,
    { facts: { worstUsd: inUsd(worst), capUsd: task.settings.budget.usd } },
  );
}

/**
 * Asks the teacher about one document, for a person to see. Tries again only what cost nothing.
 * @throws LlambertError `teacher_unreachable`, `teacher_refused_credentials`, or `cancelled`
 */
export async function tryTeacher(task: Task, document: Document, teacher: Teacher, signal: AbortSignal): Promise<TrialAnswer> {
  const request = renderRequest(task, document);
  const { price, maxPromptBytes } = task.settings.teacher;
  const none = (reason: RejectionReason, detail: string, cost: NanoUsd = 0, milliseconds = 0): TrialAnswer => ({
    document,
    labels: null,
    problem: { reason, detail },
    cost,
    atMost: cost > 0,
    tokens: null,
    milliseconds,
  });
  const bytes = request.messages.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0);
  if (bytes > maxPromptBytes) return none('too_long', `its prompt has ${bytes} bytes; the task allows ${maxPromptBytes}`);

  const { outcome, milliseconds } = await askPatiently(task, request, teacher, signal);
  if (!outcome.ok) return none(...unanswered(teacher, outcome.failure, worstPrice(request, price)), milliseconds);
  const { answer } = outcome;
  const cost = answer.usage === null ? worstPrice(request, price) : priceOf(answer.usage, price);
  const atMost = answer.usage === null && cost > 0;
  const parsed = parseAnswer(answer, labelSetOf(task.spec));
  if (!parsed.ok) return { ...none(parsed.reason, parsed.detail, cost, milliseconds), atMost, tokens: answer.usage };
  return { document, labels: parsed.labels, problem: null, cost, atMost, tokens: answer.usage, milliseconds };
}

async function askPatiently(
  task: Task,
  request: TeacherRequest,
  teacher: Teacher,
  signal: AbortSignal,
): Promise<{ outcome: TeacherOutcome; milliseconds: number }> {
  for (let tries = 1; ; tries++) {
    const begun = performance.now();
    const outcome = await teacher.ask(request, { timeoutMs: task.settings.teacher.timeoutSeconds * 1000, signal });
    const milliseconds = performance.now() - begun;
    if (signal.aborted) throw stopped();
    const mayPass = !outcome.ok && outcome.failure.charged === 'no' && ['rate_limited', 'overloaded'].includes(outcome.failure.kind);
    if (!mayPass || tries === mostTries) return { outcome, milliseconds };
    await pause(Math.min(patience.longestMs, outcome.failure.retryAfterMs ?? backoffMs(tries, patience)), undefined, { signal }).catch(
      () => {
        throw stopped();
      },
    );
  }
}

/** What a call without an answer means for its document; where it means that the others would fare no better, throws. */
function unanswered(teacher: Teacher, failure: TeacherFailure, worst: NanoUsd): [RejectionReason, string, NanoUsd] {
  const cost = failure.charged === 'perhaps' ? worst : 0;
  if (failure.kind === 'credentials') {
    throw new LlambertError('teacher_refused_credentials', `the teacher at ${teacher.endpoint} refuses every call: ${failure.detail}`, {
      facts: { endpoint: teacher.endpoint },
    });
  }
  if (failure.kind === 'not_accepted') return ['not_accepted', failure.detail, cost];
  if (failure.kind === 'malformed') return ['unparseable', failure.detail, cost];
  throw teacherAway(teacher.endpoint, failure, cost);
}

/** The error of a teacher that gives no answer. */
export function teacherAway(endpoint: string, failure: TeacherFailure, perhapsBilled: NanoUsd = 0): LlambertError {
  const bill = perhapsBilled === 0 ? '' : ` The call may be billed all the same, with ${dollars(inUsd(perhapsBilled))} at most.`;
  return new LlambertError(
    'teacher_unreachable',
    `the teacher at ${endpoint} gives no answer: ${failure.detail}.${bill} Is its server running, and is the address right?`,
    { facts: { endpoint, failure: failure.kind } },
  );
}

function stopped(): LlambertError {
  return new LlambertError('cancelled', 'stopped: nothing was written');
}
