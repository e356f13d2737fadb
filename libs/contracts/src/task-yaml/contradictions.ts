import { labelName } from './complete-task.ts';
import { defaultPoolSize, defaultRounds, defaults, maxRounds } from './defaults.ts';
import type { TaskDraft } from './schema.ts';
import { nearest } from './suggestion.ts';
import type { Problem } from './yaml-document.ts';

const maxLabels = 1000;
const maxLabelLength = 200;

type Section = keyof TaskDraft;

const rules: readonly { readonly reads: readonly Section[]; readonly find: (draft: TaskDraft) => Problem[] }[] = [
  { reads: ['labels', 'kind'], find: labelProblems },
  { reads: ['labels', 'kind', 'examples'], find: exampleProblems },
  { reads: ['teacher', 'budget'], find: moneyProblems },
  { reads: ['sampling', 'budget'], find: samplingProblems },
  { reads: ['student', 'sampling', 'budget'], find: secondOpinionProblems },
  { reads: ['topics'], find: topicProblems },
  { reads: ['teacher', 'description', 'labels', 'guide', 'examples'], find: promptProblems },
];

/**
 * What is wrong with a task.yaml although each of its settings is right by itself.
 * @param unsound sections that broke rules of their own: whatever reads them is not asked
 */
export function contradictions(draft: TaskDraft, unsound: ReadonlySet<PropertyKey> = new Set()): Problem[] {
  return rules.filter(({ reads }) => !reads.some((section) => unsound.has(section))).flatMap(({ find }) => find(draft));
}

function labelProblems({ labels, kind = defaults.kind }: TaskDraft): Problem[] {
  const problems: Problem[] = [];
  const seen = new Set<string>();
  for (const [index, label] of labels.entries()) {
    const name = labelName(label.name);
    const problem = seen.has(name) ? 'is there twice (blanks around names do not count)' : labelNameProblem(name);
    // A label of a map stands under its name, one of a list at its index.
    if (problem !== null) problems.push({ path: ['labels', index], message: problem });
    seen.add(name);
  }
  if (kind === 'single' && labels.length < 2) {
    const advice = 'for a yes-or-no question name both sides; where a document may have none, say kind: multi';
    problems.push({ path: ['labels'], message: `must be at least two where kind is single: ${advice}` });
  } else if (labels.length === 0) problems.push({ path: ['labels'], message: 'must not be empty' });
  if (labels.length > maxLabels) problems.push({ path: ['labels'], message: `must be at most ${maxLabels}, not ${labels.length}` });
  return problems;
}

function labelNameProblem(name: string): string | null {
  if (name === '') return 'must be a name, not empty';
  if (name.length > maxLabelLength) return `must be at most ${maxLabelLength} characters long: put the explanation into its description`;
  return /[\p{Cc}\p{Zl}\p{Zp}]/u.test(name) || !name.isWellFormed() ? 'must be one line of text without control characters' : null;
}

function exampleProblems({ examples = [], labels, kind = defaults.kind }: TaskDraft): Problem[] {
  const names = labels.map(({ name }) => labelName(name));
  return examples.flatMap(({ label, labels: several }, index) => {
    const path = ['examples', index];
    if ((label === undefined) === (several === undefined)) return [{ path, message: 'must have either label or labels' }];
    const given =
      label === undefined ? (several ?? []).map((name, place) => ({ name, at: ['labels', place] })) : [{ name: label, at: ['label'] }];
    const problems: Problem[] = given.flatMap(({ name, at }) =>
      names.includes(labelName(name)) ? [] : [{ path: [...path, ...at], message: unknownLabel(name, names) }],
    );
    if (kind === 'single' && given.length !== 1) {
      problems.push({ path: [...path, 'labels'], message: `must be exactly one label where kind is single, not ${given.length}` });
    }
    if (new Set(given.map(({ name }) => labelName(name))).size < given.length) {
      problems.push({ path: [...path, 'labels'], message: 'names a label twice' });
    }
    return problems;
  });
}

function unknownLabel(name: string, names: readonly string[]): string {
  const near = nearest(name, names);
  return `is none of the labels${near === null ? `: ${names.slice(0, 20).join(', ')}${names.length > 20 ? ', …' : ''}` : `; did you mean ${near}?`}`;
}

function moneyProblems({ teacher, budget }: TaskDraft): Problem[] {
  const { price } = teacher;
  if (price === undefined && !isNearby(teacher.baseUrl)) {
    return [
      {
        path: ['teacher', 'price'],
        message:
          'is missing: without it no cap can hold. Look it up with the provider, or say {input: 0, output: 0} where the endpoint is free',
      },
    ];
  }
  const isFree = price === undefined || (price.input === 0 && price.output === 0);
  return budget?.usd === 0 && !isFree ? [{ path: ['budget', 'usd'], message: 'must be above 0, for the teacher has a price' }] : [];
}

/** Whether an endpoint is this machine's or its network's: nobody bills those by the token. */
function isNearby(baseUrl: string): boolean {
  const host = new URL(baseUrl).hostname.replace(/^\[|\]$/g, '');
  if (host.includes(':')) return host === '::1' || /^f[cd]/.test(host);
  if (/^(127\.|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|0\.0\.0\.0$)/.test(host)) return true;
  return !host.includes('.') || /\.(localhost|local|internal|lan|svc)$/.test(host);
}

function samplingProblems({ sampling = {}, budget }: TaskDraft): Problem[] {
  const annotations = budget?.annotations ?? defaults.budget.annotations;
  const poolSize = sampling.poolSize ?? defaultPoolSize(annotations);
  const problems: Problem[] = [];
  if (poolSize < annotations) {
    const message = `must be at least budget.annotations (${annotations}): a document is drawn once, and only from the pool`;
    problems.push({ path: ['sampling', 'poolSize'], message });
  }
  if (sampling.rounds !== undefined && sampling.rounds > maxRounds(annotations)) {
    const message = `must be at most ${maxRounds(annotations)} for ${annotations} annotations: each round doubles those before it`;
    problems.push({ path: ['sampling', 'rounds'], message });
  }
  if (sampling.strategy === 'uniform' && typeof sampling.stratifyBy === 'string') {
    problems.push({ path: ['sampling', 'stratifyBy'], message: 'has no meaning where strategy is uniform: take one of the two out' });
  }
  return problems;
}

function secondOpinionProblems({ student, sampling, budget }: TaskDraft): Problem[] {
  const annotations = budget?.annotations ?? defaults.budget.annotations;
  if (student?.likelyWrong !== 'ask-teacher' || (sampling?.rounds ?? defaultRounds(annotations)) > 1) return [];
  const message = 'cannot be ask-teacher where there is one round: the teacher is asked again in the next one (sampling.rounds)';
  return [{ path: ['student', 'likelyWrong'], message }];
}

function topicProblems({ topics }: TaskDraft): Problem[] {
  if (topics?.source === undefined || topics.source !== topics.predictions) return [];
  return [{ path: ['topics', 'predictions'], message: 'must be another topic than the source' }];
}

function promptProblems({ teacher, description, labels, guide = '', examples = [] }: TaskDraft): Problem[] {
  const limit = teacher.maxPromptBytes ?? defaults.teacher.maxPromptBytes;
  const texts = [description, guide, ...labels.flatMap((label) => [label.name, label.description])];
  for (const { text, textPair } of examples) texts.push(text, textPair ?? '');
  const fixed = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  if (fixed < limit) return [];
  const message = `must be above ${fixed} bytes, the description, labels, guide and examples alone: else every document is too long`;
  return [{ path: ['teacher', 'maxPromptBytes'], message }];
}
