import {
  type Annotation,
  type AnnotationStore,
  type Answer,
  LlambertError,
  labelSetOf,
  type NanoUsd,
  noTokens,
  priceOf,
  type RejectionReason,
  type Sample,
  type Task,
  type Teacher,
  type TeacherAnswer,
  type TeacherFailure,
  type TeacherRequest,
  type TokenUsage,
} from '@llambert/domain';
import { cacheKey } from './cache-key.ts';
import { confidenceOf } from './confidence.ts';
import { type Overrun, overrunMessage, overrunOf, reservedPrice } from './overrun.ts';
import { parseAnswer } from './parse-answer.ts';
import { worstUsage } from './price.ts';
import { type Opinion, promptBytes, promptHash, renderRequest } from './prompt.ts';

export interface AnnotationWork {
  readonly task: Task;
  readonly sample: Sample;
  readonly teacher: Teacher;
  readonly store: AnnotationStore;
  /** Names this call in the ledger: another one for each try. */
  readonly callId: string;
  /** Whether a failure that may have cost money ends the sample instead of being tried again. */
  readonly lastTry: boolean;
  /** The worst overrun of this teacher so far: the next call may cost as much more than its worst price. */
  readonly overrun?: Overrun | null;
  /** Once it is aborted nothing more is sent. */
  readonly signal: AbortSignal;
  /** Once it is aborted the call in flight is broken off; the provider may bill it all the same. */
  readonly callSignal: AbortSignal;
}

/** What became of a sample: its answer, or to be tried again after a failure, or when other calls have given money back. */
export type AnnotationResult =
  | {
      readonly kind: 'answer';
      readonly answer: Answer;
      /** The call cost more than was thought possible. */
      readonly overrun?: Overrun;
    }
  | { readonly kind: 'retry'; readonly failure: TeacherFailure }
  | { readonly kind: 'wait' };

/**
 * Asks the teacher about a sample, within the task's budget. No step trusts that it is the first try: whatever is killed where, the
 * ledger is at or above the provider's bill and at or below the cap. A call that is billed for more than its request can take may pass
 * the cap: the result says so, for the next call to be reserved for accordingly.
 *
 * Throws `teacher_refused_credentials` where the teacher would refuse every call, and `cancelled` where it was stopped.
 */
export async function annotateSample(work: AnnotationWork): Promise<AnnotationResult> {
  const { task, sample, teacher, store, callId, signal, callSignal } = work;
  const { price, maxPromptBytes, timeoutSeconds, onOutcomeUnknown } = task.settings.teacher;
  const rejected = (reason: RejectionReason, detail: string, cost: NanoUsd = 0) => answered(rejection(work, reason, detail, cost));

  // A former owner of this sample was killed, or lost its lease, in the middle of these calls.
  const abandoned = await store.settleAbandoned(task.name, sample.id);

  const request = renderRequest(task, sample.document, opinionOf(sample));
  const bytes = promptBytes(request.messages);
  if (bytes > maxPromptBytes) return rejected('too_long', `the prompt has ${bytes} bytes; the task allows ${maxPromptBytes}`);

  const key = cacheKey(teacher.endpoint, request);
  const known = await store.cachedAnswer(key);
  if (known !== null) return answered(interpreted(work, known, { usage: noTokens, cost: 0, cached: true }));

  const overrun = work.overrun ?? null;
  const worst = reservedPrice(request, price, overrun);
  if (abandoned > 0 && onOutcomeUnknown === 'reject') {
    return rejected('outcome_unknown', 'its call was in flight when the annotator was stopped', abandoned * worst);
  }

  if (signal.aborted) throw stopped();
  if (!(await store.reserve({ task: task.name, callId, sampleId: sample.id, amount: worst }))) {
    const { cap, settled } = await store.spend(task.name);
    // What is settled stays; what other calls have reserved comes back in part when they are answered.
    return settled + worst <= cap
      ? { kind: 'wait' }
      : rejected(
          'budget_exhausted',
          `the budget has no room for the worst price of its call${overrun === null ? '' : `: ${overrunMessage(overrun, teacher.endpoint)}`}`,
        );
  }

  const outcome = await teacher.ask(request, { timeoutMs: timeoutSeconds * 1000, signal: callSignal });

  if (outcome.ok) {
    const paid = billOf(outcome.answer, request, task, worst);
    const { input, output } = paid.usage;
    const cached = { cacheKey: key, answer: outcome.answer };
    // At what the server states, even beyond the cap: if it is true, it will be billed.
    await store.settle({ task: task.name, callId, price: paid.cost, inputTokens: input, outputTokens: output, answer: cached });
    const answer = interpreted(work, outcome.answer, { ...paid, cached: false });
    const exceeded = outcome.answer.usage === null ? null : overrunOf(outcome.answer.usage, request, price);
    return exceeded === null ? answered(answer) : { kind: 'answer', answer, overrun: exceeded };
  }

  const { failure } = outcome;
  const billed = failure.charged === 'perhaps';
  if (billed) await store.settleUnknown({ task: task.name, callId });
  else await store.settle({ task: task.name, callId, price: 0, inputTokens: 0, outputTokens: 0, answer: null });

  if (signal.aborted) throw stopped();
  if (failure.kind === 'credentials') throw refusedByTeacher(teacher, failure);
  if (failure.kind === 'not_accepted') return rejected('not_accepted', failure.detail, billed ? worst : 0);
  if (!billed || !work.lastTry) return { kind: 'retry', failure };
  return rejected(failure.kind === 'malformed' ? 'unparseable' : 'outcome_unknown', failure.detail, worst);
}

function answered(answer: Answer): AnnotationResult {
  return { kind: 'answer', answer };
}

interface Bill {
  readonly usage: TokenUsage;
  readonly cost: NanoUsd;
}

/** What a call cost. Where the server does not say, all that was reserved for it. */
function billOf(answer: TeacherAnswer, request: TeacherRequest, task: Task, reserved: NanoUsd): Bill {
  if (answer.usage === null) return { usage: worstUsage(request), cost: reserved };
  return { usage: answer.usage, cost: priceOf(answer.usage, task.settings.teacher.price) };
}

/** What a teacher's words mean for the sample: an annotation, or a rejection that cost as much. */
function interpreted(work: AnnotationWork, said: TeacherAnswer, paid: Bill & { readonly cached: boolean }): Answer {
  const labelSet = labelSetOf(work.task.spec);
  const parsed = parseAnswer(said, labelSet);
  const facts = { ...factsOf(work), ...paid, model: said.model };
  if (!parsed.ok) return { ...facts, kind: 'rejection', reason: parsed.reason, detail: parsed.detail };
  return { ...facts, kind: 'annotation', labels: parsed.labels, ...confidenceOf(said, parsed.labels, labelSet) };
}

function rejection(work: AnnotationWork, reason: RejectionReason, detail: string, cost: NanoUsd): Answer {
  return { ...factsOf(work), kind: 'rejection', reason, detail, usage: noTokens, cost, cached: false, model: '' };
}

function factsOf({ task, sample }: AnnotationWork): Pick<Annotation, 'sampleId' | 'task' | 'round' | 'documentId' | 'promptHash'> {
  return {
    sampleId: sample.id,
    task: task.name,
    round: sample.round,
    documentId: sample.document.id,
    promptHash: promptHash(task, opinionOf(sample)),
  };
}

function opinionOf({ strategy }: Sample): Opinion {
  return strategy === 'doubted' ? 'second' : 'first';
}

function stopped(): LlambertError {
  return new LlambertError('cancelled', 'stopped on request');
}

function refusedByTeacher(teacher: Teacher, failure: TeacherFailure): LlambertError {
  const message = `the teacher at ${teacher.endpoint} refuses every call: ${failure.detail}`;
  return new LlambertError('teacher_refused_credentials', message, { facts: { endpoint: teacher.endpoint } });
}
