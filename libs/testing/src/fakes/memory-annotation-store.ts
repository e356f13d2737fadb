import { type AnnotationStore, LlambertError, type NanoUsd, type Spend, type TeacherAnswer } from '@llambert/domain';

interface Call {
  readonly task: string;
  readonly callId: string;
  readonly sampleId: string;
  price: NanoUsd;
  outcome: 'settled' | 'unmeasured' | 'unknown' | 'reserved';
}

type Budget = { -readonly [Field in keyof Spend]: Spend[Field] };

/** The annotator's store in memory: every method changes all it changes at once, as one transaction does. */
export function memoryAnnotationStore(): AnnotationStore {
  const budgets = new Map<string, Budget>();
  const calls = new Map<string, Call>();
  const answers = new Map<string, TeacherAnswer>();

  const budgetOf = (task: string): Budget => {
    const budget = budgets.get(task);
    if (budget === undefined) throw new LlambertError('not_found', `the task ${task} has no budget yet: annotate it first`);
    return budget;
  };

  /** Ends an open reservation; false where the call is not open. */
  const end = (task: string, callId: string, outcome: 'settled' | 'unmeasured' | 'unknown', price: NanoUsd | null): boolean => {
    const call = calls.get(JSON.stringify([task, callId]));
    if (call?.outcome !== 'reserved') return false;
    const budget = budgetOf(task);
    budget.reserved -= call.price;
    call.price = price ?? call.price;
    call.outcome = outcome;
    budget.settled += call.price;
    if (outcome === 'unknown') {
      budget.calls += 1;
      budget.unknownOutcomes += 1;
      budget.unknownCost += call.price;
    }
    if (outcome === 'unmeasured') {
      budget.unmeasuredCalls += 1;
      budget.unmeasuredCost += call.price;
    }
    return true;
  };

  return {
    async recordBudget(task, cap) {
      const budget = budgets.get(task);
      if (budget !== undefined) budget.cap = cap;
      else {
        budgets.set(task, {
          cap,
          settled: 0,
          reserved: 0,
          calls: 0,
          inputTokens: 0,
          outputTokens: 0,
          unknownOutcomes: 0,
          unknownCost: 0,
          unmeasuredCalls: 0,
          unmeasuredCost: 0,
        });
      }
    },

    async reserve({ task, callId, sampleId, amount }) {
      const key = JSON.stringify([task, callId]);
      if (calls.has(key)) throw new LlambertError('conflict', `the call ${callId} of the task ${task} was reserved before`);
      const budget = budgets.get(task);
      if (budget === undefined || budget.settled + budget.reserved + amount > budget.cap) return false;
      budget.reserved += amount;
      calls.set(key, { task, callId, sampleId, price: amount, outcome: 'reserved' });
      return true;
    },

    async settle({ task, callId, price, inputTokens, outputTokens, answer }) {
      if (end(task, callId, answer?.answer.usage === null ? 'unmeasured' : 'settled', price)) {
        const budget = budgetOf(task);
        if (answer !== null || price > 0) budget.calls += 1;
        budget.inputTokens += inputTokens;
        budget.outputTokens += outputTokens;
      }
      if (answer !== null && !answers.has(answer.cacheKey)) answers.set(answer.cacheKey, answer.answer);
    },

    async settleUnknown({ task, callId }) {
      end(task, callId, 'unknown', null);
    },

    async settleAbandoned(task, sampleId) {
      const open = [...calls.values()].filter(
        (call) => call.task === task && (sampleId === null || call.sampleId === sampleId) && call.outcome === 'reserved',
      );
      for (const call of open) end(task, call.callId, 'unknown', null);
      return open.length;
    },

    async cachedAnswer(cacheKey) {
      return answers.get(cacheKey) ?? null;
    },

    async spend(task) {
      return { ...budgetOf(task) };
    },

    async *calls(task) {
      for (const { task: owner, ...call } of calls.values()) if (owner === task) yield call;
    },
  };
}
