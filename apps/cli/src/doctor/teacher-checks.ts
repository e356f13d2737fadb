import { type OpenAiTeacher, openAiTeacher } from '@llambert/adapters/openai';
import { parseAnswer, renderRequest, worstPrice } from '@llambert/annotation';
import { inUsd, LlambertError, labelSetOf, nanoUsd, priceOf, type Task } from '@llambert/domain';
import { dollars } from '../terminal/amounts.ts';
import type { Finding } from './finding.ts';

const listTimeoutMs = 10_000;

export interface TeacherCheck {
  readonly task: Task;
  readonly environment: NodeJS.ProcessEnv;
  /** Whether one small question is asked, which costs money. */
  readonly ask: boolean;
  readonly signal: AbortSignal;
}

/** Whether the task's teacher can be asked, as far as can be told without paying; more with `ask`. */
export async function teacherFindings({ task, environment, ask, signal }: TeacherCheck): Promise<Finding[]> {
  const { apiKeyEnv, baseUrl } = task.settings.teacher;
  const key = keyFinding(apiKeyEnv, environment);
  if (key.state === 'fail') return [key];
  // What the client sends when it asks, after it has learnt what the server refuses.
  let lastBody = '';
  let teacher: OpenAiTeacher;
  try {
    teacher = openAiTeacher({
      baseUrl,
      apiKey: apiKeyEnv === null ? null : environment[apiKeyEnv]!,
      fetch: (input, init) => {
        if (typeof init?.body === 'string') lastBody = init.body;
        return fetch(input, init);
      },
    });
  } catch (error) {
    if (!(error instanceof LlambertError)) throw error;
    return [{ check: 'key', state: 'fail', message: error.message }];
  }
  const reached = await reachFindings(teacher, task, signal);
  if (!ask || reached.some(({ state }) => state === 'fail')) return [key, ...reached];
  return [key, ...reached, ...(await answerFindings(teacher, task, signal, () => lastBody))];
}

function keyFinding(apiKeyEnv: string | null, environment: NodeJS.ProcessEnv): Finding {
  if (apiKeyEnv === null) return { check: 'key', state: 'ok', message: 'the task says that the teacher wants no key' };
  if (environment[apiKeyEnv]) return { check: 'key', state: 'ok', message: `${apiKeyEnv} is set` };
  return {
    check: 'key',
    state: 'fail',
    message: `the environment variable ${apiKeyEnv} is not set`,
    advice: "put the teacher's key into it, or take apiKeyEnv out of the task where the server wants none",
  };
}

async function reachFindings(teacher: OpenAiTeacher, task: Task, signal: AbortSignal): Promise<Finding[]> {
  const { model } = task.settings.teacher;
  const list = await teacher.listModels({ timeoutMs: listTimeoutMs, signal });
  if (signal.aborted) throw new LlambertError('cancelled', 'stopped on request');
  if (list.ok) {
    const reached: Finding = {
      check: 'teacher',
      state: 'ok',
      message: `${teacher.endpoint} answers and lists its models (${list.models.length})`,
    };
    if (list.models.includes(model)) return [reached, { check: 'model', state: 'ok', message: `${model} is one of them` }];
    const shown = list.models.slice(0, 10).join(', ');
    return [
      reached,
      {
        check: 'model',
        state: 'warn',
        message: `${model} is not among its models`,
        advice: `some servers list not all they have; this one has ${shown || 'none'}`,
      },
    ];
  }
  const { kind, detail } = list.failure;
  // A server without this list may serve all the same.
  if (/^HTTP (404|405|501)\b/.test(detail) || kind === 'not_accepted' || kind === 'malformed') {
    const message = `${teacher.endpoint} answers, but lists no models (${detail})`;
    return [
      {
        check: 'teacher',
        state: 'warn',
        message,
        advice: 'if its address ends as it should (mostly in /v1), --ask finds out whether it serves',
      },
    ];
  }
  if (kind === 'credentials') {
    const advice = `the key that ${task.settings.teacher.apiKeyEnv ?? 'teacher.apiKeyEnv'} holds is not one for this server, or has no money left`;
    return [{ check: 'teacher', state: 'fail', isAway: true, message: `${teacher.endpoint} refuses: ${detail}`, advice }];
  }
  if (kind === 'rate_limited' || kind === 'overloaded') {
    return [
      {
        check: 'teacher',
        state: 'warn',
        message: `${teacher.endpoint} is busy: ${detail}`,
        advice: 'a run waits and tries again; look again later',
      },
    ];
  }
  return [
    {
      check: 'teacher',
      state: 'fail',
      isAway: true,
      message: `${teacher.endpoint} cannot be reached: ${detail}`,
      advice: 'start its server, or look at teacher.baseUrl, the network and the proxy',
    },
  ];
}

async function answerFindings(teacher: OpenAiTeacher, task: Task, signal: AbortSignal, lastBody: () => string): Promise<Finding[]> {
  const { price, timeoutSeconds } = task.settings.teacher;
  const request = renderRequest(task, { id: 'doctor', text: 'This is a test.', metadata: {} });
  if (worstPrice(request, price) > nanoUsd(task.settings.budget.usd)) {
    return [{ check: 'answer', state: 'fail', message: 'one call could cost more than the cap of the task', advice: 'raise budget.usd' }];
  }
  const begun = performance.now();
  const outcome = await teacher.ask(request, { timeoutMs: timeoutSeconds * 1000, signal });
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  if (signal.aborted) throw new LlambertError('cancelled', 'stopped on request');
  if (!outcome.ok) {
    const isAway = outcome.failure.kind !== 'not_accepted' && outcome.failure.kind !== 'malformed';
    return [
      {
        check: 'answer',
        state: 'fail',
        isAway,
        message: `no answer: ${outcome.failure.detail}`,
        advice: 'look at teacher.model, teacher.baseUrl and the key',
      },
    ];
  }
  const { answer } = outcome;
  const parsed = parseAnswer(answer, labelSetOf(task.spec));
  const cost =
    answer.usage === null
      ? ''
      : `, ${answer.usage.input} tokens in and ${answer.usage.output} out, ${dollars(inUsd(priceOf(answer.usage, price)))}`;
  return [
    parsed.ok
      ? { check: 'answer', state: 'ok', message: `an answer in ${seconds} s${cost}` }
      : {
          check: 'answer',
          state: 'warn',
          message: `an answer in ${seconds} s${cost}, but no label in it (${parsed.reason})`,
          advice: 'the test sentence may fit no label; llambert init or estimate --ask try real documents',
        },
    structureFinding(lastBody()),
    answer.tokens === null
      ? {
          check: 'logprobs',
          state: 'warn',
          message: 'the server gives no log-probabilities',
          advice: 'nothing to do: annotations come without the confidence of the teacher',
        }
      : { check: 'logprobs', state: 'ok', message: 'the server gives log-probabilities: annotations come with a confidence' },
    answer.usage === null
      ? {
          check: 'usage',
          state: 'warn',
          message: 'the server does not say how many tokens it used',
          advice: 'every call is booked at its worst price, so the cap ends the annotation early',
        }
      : { check: 'usage', state: 'ok', message: 'the server says how many tokens it used' },
  ];
}

function structureFinding(body: string): Finding {
  const { response_format: format } = JSON.parse(body) as { response_format?: { type?: string } };
  if (format?.type === 'json_schema')
    return { check: 'structure', state: 'ok', message: 'the server takes the form of the answer as a JSON schema' };
  return {
    check: 'structure',
    state: 'warn',
    message: format === undefined ? 'the server takes no form for the answer' : 'the server takes JSON as a form, but no schema',
    advice: 'nothing to do: answers are read tolerantly, though more of them may be unusable',
  };
}
